//! The requests `gotracelens/page` and `gotracelens/pages`: the reference, for editors that show it offline. They are
//! about no document, so they are answered at once.

use ide::Links;
use ide::pages::{self, Page};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_lsp::gen_lsp_types as proto;
use tower_lsp::jsonrpc::{Error, Result};

use crate::site::site;

/// The key of the initialization options under which a client says how it opens pages.
const PAGE_URI: &str = "pageUri";

/// What is asked of `gotracelens/page`.
#[derive(Debug, Deserialize)]
pub(super) struct PageParams {
    /// The name of a page, or whatever people call it.
    name: String,
    /// The form of links in it; without it, that of hovers.
    links: Option<PageLinks>,
}

/// A form of links that is asked for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum PageLinks {
    /// Every page is a file `NAME.md`, beside all others.
    Files,
    /// `gotracelens://page/NAME`.
    Scheme,
}

/// Its answer.
#[derive(Debug, Serialize)]
pub(super) struct PageAnswer {
    /// The name that only the page has; of several, that of the first.
    name: String,
    title: &'static str,
    markdown: String,
}

/// A page in the answer to `gotracelens/pages`.
#[derive(Debug, Serialize)]
pub(super) struct PageEntry {
    name: String,
    title: &'static str,
    kind: &'static str,
}

/// The page of this name; those of a name for several things, one after the other.
pub(super) fn page(links: &Links, params: &PageParams) -> Result<PageAnswer> {
    let pages = pages::find(&params.name);
    let Some(first) = pages.first() else {
        return Err(Error::invalid_params(unknown(&params.name)));
    };
    let links = match params.links {
        Some(PageLinks::Files) => &Links::Files,
        Some(PageLinks::Scheme) => &Links::Scheme,
        None => links,
    };
    let texts: Vec<String> = pages.iter().map(|page| page.markdown(links)).collect();
    Ok(PageAnswer { name: first.name(), title: first.title(), markdown: texts.join("\n---\n\n") })
}

fn unknown(name: &str) -> String {
    const SHOWN: usize = 80;
    let shown: String = ide::markup::plain(name).chars().take(SHOWN).collect();
    let similar = pages::similar(name);
    let hint = if similar.is_empty() { String::new() } else { format!("; did you mean {}?", similar.join(", ")) };
    format!("there is no page \"{shown}\"{hint}")
}

/// All pages.
pub(super) fn all() -> Vec<PageEntry> {
    let entry = |page: Page| PageEntry { name: page.name(), title: page.title(), kind: pages::kind_name(page.kind()) };
    pages::all().map(entry).collect()
}

/// How this client opens pages: as it announces, if that is harmless, else on the site that this was built for.
pub(super) fn links(options: Option<&Value>) -> Links {
    let announced = options.and_then(|options| options.get(PAGE_URI)).and_then(Value::as_str);
    announced.and_then(Links::announced).or_else(|| site().cloned()).unwrap_or_default()
}

/// Where the page of a rule is told on the site.
pub(super) fn code_description(code: &str) -> Option<proto::CodeDescription> {
    description(site()?, code)
}

fn description(site: &Links, code: &str) -> Option<proto::CodeDescription> {
    Some(proto::CodeDescription { href: proto::Uri::from(site.uri(code)?) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ask(name: &str) -> Result<PageAnswer> {
        page(&Links::Command, &PageParams { name: name.to_owned(), links: None })
    }

    #[test]
    fn a_page_has_links_that_the_client_can_open() {
        let answer = ask("assist").unwrap();
        assert_eq!((answer.name.as_str(), answer.title), ("term:assist", "Assist"));
        assert!(answer.markdown.contains("](command:gotracelens.openPage?%5B%22gc.cpu_assist_ms%22%5D)"));
        let both = ask("panic").unwrap();
        assert_eq!(both.name, "panic");
        assert!(both.markdown.contains("\n---\n\n# Panic\n"), "the term is told too");
    }

    #[test]
    fn pages_that_are_files_lead_to_files() {
        let params = serde_json::from_value(json!({"name": "assist", "links": "files"})).unwrap();
        let answer = page(&Links::Command, &params).unwrap();
        assert!(
            answer.markdown.contains("](./gc.cpu_assist_ms.md)") && answer.markdown.contains("](./term%3Apacer.md)")
        );
    }

    #[test]
    fn an_unknown_page_is_refused_with_what_it_may_have_been() {
        let message = |name| ask(name).unwrap_err().message.into_owned();
        assert_eq!(message("asist"), "there is no page \"asist\"; did you mean assist?");
        assert_eq!(message("\u{1b}[2J"), "there is no page \"\u{fffd}[2J\"");
    }

    #[test]
    fn a_form_that_could_do_more_than_open_a_page_is_ignored() {
        let links = |uri: Value| links(Some(&json!({"pageUri": uri})));
        assert_eq!(links(json!("command:gotracelens.openPage?{page}")), Links::Command);
        assert_eq!(links(json!("gotracelens://page/{page}")), Links::Scheme);
        let none = super::links(None);
        for uri in [json!("command:rm?{page}"), json!("x) ![y](https://evil/{page}"), json!(7), json!(null)] {
            assert_eq!(links(uri), none);
        }
    }

    #[test]
    fn rules_have_an_address_where_a_site_was_given_only() {
        let site = Links::site("https://example.org/go").unwrap();
        let href = description(&site, "GC101").unwrap().href;
        assert_eq!(href.0.to_string(), "https://example.org/go/rules/live-heap-leak.html");
        assert_eq!(code_description("GC101").is_some(), option_env!("GOTRACELENS_DOCS_URL").is_some());
    }

    #[test]
    fn the_list_has_every_name_once() {
        let all = all();
        assert!(all.len() > 400);
        assert!(all.iter().any(|entry| (entry.name.as_str(), entry.kind) == ("gc.heap_goal_mb", "field")));
    }
}
