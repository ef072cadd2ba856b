//! The reference in the editor: pages by name, and links to them in hovers.

use serde_json::{Value, json};

use super::{GC_LINE, URI, leaking};
use crate::client::Client;

fn start(options: &Value) -> Client {
    let capabilities = json!({"textDocument": {"hover": {"contentFormat": ["markdown"]}, "diagnostic": {}}});
    let params = json!({"processId": null, "rootUri": null, "capabilities": capabilities,
        "initializationOptions": options});
    Client::start_with(params).0
}

fn hover(options: &Value) -> String {
    let mut client = start(options);
    client.open(URI, GC_LINE);
    let hover = client.hover(URI, 0, 3);
    client.finish();
    hover["contents"]["value"].as_str().expect("a hover has text").to_owned()
}

#[test]
fn hovers_link_to_pages_in_the_form_the_client_announces() {
    let name = "gc.n";
    let vs_code = hover(&json!({"pageUri": "command:gotracelens.openPage?{page}"}));
    assert!(vs_code.contains(&format!("[{name}](command:gotracelens.openPage?%5B%22{name}%22%5D)")), "{vs_code}");
    let neovim = hover(&json!({"pageUri": "gotracelens://page/{page}"}));
    assert!(neovim.contains(&format!("[{name}](gotracelens://page/{name})")), "{neovim}");
}

#[test]
fn hovers_have_no_links_for_clients_that_cannot_open_them() {
    if option_env!("GOTRACELENS_DOCS_URL").is_some() {
        return;
    }
    for options in [json!(null), json!({}), json!({"pageUri": "command:evil?{page}"}), json!({"pageUri": ["x"]})] {
        let text = hover(&options);
        assert!(text.contains("gc.n · ") && !text.contains("]("), "{text}");
    }
}

#[test]
fn a_page_is_given_by_name_before_any_document_is_open() {
    let mut client = start(&json!({"pageUri": "gotracelens://page/{page}"}));
    let page = client.ask("gotracelens/page", json!({"name": "heap_goal_mb"}));
    assert_eq!(page["name"], "gc.heap_goal_mb");
    let text = page["markdown"].as_str().expect("text");
    assert!(text.starts_with("# gc.heap_goal_mb\n") && text.contains("](gotracelens://page/term%3Agogc)"), "{text}");
    let pages = client.ask("gotracelens/pages", json!(null));
    let is_assist = |page: &&Value| page["name"] == "term:assist";
    let assist = pages.as_array().expect("a list").iter().find(is_assist).expect("every term is a page");
    assert_eq!((&assist["title"], &assist["kind"]), (&json!("Assist"), &json!("term")));
    let id = client.request("gotracelens/page", json!({"name": "asist"}));
    let response = client.response(id);
    assert_eq!(response["error"]["code"], -32602);
    assert!(
        response["error"]["message"].as_str().is_some_and(|text| text.contains("did you mean assist")),
        "{response}"
    );
    client.finish();
}

#[test]
fn findings_have_an_address_only_where_a_site_was_given() {
    let mut client = start(&json!({"pageUri": "command:gotracelens.openPage?{page}"}));
    client.open(URI, &leaking());
    let report = client.about("textDocument/diagnostic", URI);
    let items = report["items"].as_array().expect("findings");
    assert!(!items.is_empty());
    for item in items {
        let has_address = item["codeDescription"]["href"].is_string();
        assert_eq!(has_address, option_env!("GOTRACELENS_DOCS_URL").is_some(), "{item}");
    }
    client.finish();
}
