//! Help where GODEBUG is set: which documents are such files, and the questions about them.
//!
//! They are answered only where the user has switched them on. Such documents are never read as logs, on or off.

use ide::Links;
use ide::godebug::{Completion, CompletionKind, FileKind, Problem};
use tower_lsp::gen_lsp_types::{self as proto, LanguageKind, MarkupContent, MarkupKind, Uri};
use tracelog::LineCol;

use super::from_proto;
use super::pages;
use super::to_proto;
use super::world::View;

/// What a document is by its language; none for logs, and for all that is not known.
///
/// The names are those of VS Code and its common extensions, and the file types of Neovim, Helix and Emacs.
pub(super) fn file_kind(language: &LanguageKind, uri: &Uri) -> Option<FileKind> {
    let name = uri.0.rsplit('/').next().unwrap_or_default();
    // "yaml.docker-compose" is YAML with more known about it.
    let language = language.as_str();
    let base = language.split('.').next().unwrap_or_default();
    let kind = match language {
        "go.mod" | "gomod" | "go.work" | "gowork" => FileKind::GoMod,
        _ => match base {
            "dotenv" | "env" => FileKind::Dotenv,
            "properties" | "ini" | "conf" if is_dotenv(name) => FileKind::Dotenv,
            "dockerfile" => FileKind::Dockerfile,
            "yaml" | "dockercompose" | "github-actions-workflow" | "helm" => FileKind::Yaml,
            "shellscript" | "sh" | "bash" | "zsh" | "ksh" if is_dotenv(name) => FileKind::Dotenv,
            "shellscript" | "sh" | "bash" | "zsh" | "ksh" => FileKind::Shell,
            "makefile" | "make" => FileKind::Makefile,
            "systemd" | "systemd-conf" | "systemd-unit-file" => FileKind::Systemd,
            "go" if name.ends_with("_test.go") => FileKind::GoTest,
            "go" => FileKind::Go,
            _ => return None,
        },
    };
    Some(kind)
}

/// `.env`, `.env.local`, `prod.env`: editors without a language for them take them for scripts or properties.
fn is_dotenv(name: &str) -> bool {
    name.starts_with(".env") || name.ends_with(".env")
}

pub(super) fn hover(view: &View, kind: FileKind, at: LineCol) -> Option<proto::Hover> {
    let hover = ide::godebug::hover(&view.text, kind, at).filter(|_| view.settings.godebug.enable)?;
    Some(to_proto::hover(view, hover))
}

pub(super) fn completion(view: &View, position: proto::Position) -> Option<proto::CompletionResponse> {
    let kind = view.file.filter(|_| view.settings.godebug.enable)?;
    let at = from_proto::position(&view.text, view.profile.encoding, position);
    let found = ide::godebug::completions(&view.text, kind, at);
    if found.is_empty() {
        return None;
    }
    let items = found.into_iter().enumerate().map(|(order, completion)| item(view, order, completion));
    Some(proto::CompletionResponse::CompletionItemList(items.collect()))
}

pub(super) fn diagnostics(view: &View, kind: FileKind) -> Vec<proto::Diagnostic> {
    if !view.settings.godebug.enable {
        return Vec::new();
    }
    ide::godebug::problems(&view.text, kind).into_iter().map(|problem| diagnostic(view, problem)).collect()
}

fn item(view: &View, order: usize, completion: Completion) -> proto::CompletionItem {
    // Lists of completions are long and their links are not followed: labels alone.
    let text = Links::None.resolve(&completion.documentation);
    let documentation = match view.profile.completion_markdown {
        true => MarkupContent { kind: MarkupKind::Markdown, value: text },
        false => MarkupContent { kind: MarkupKind::PlainText, value: ide::markup::rendered(&text) },
    };
    let kind = match completion.kind {
        CompletionKind::Setting => proto::CompletionItemKind::Property,
        CompletionKind::Value => proto::CompletionItemKind::Value,
    };
    let edit = proto::TextEdit { range: to_proto::range(view, completion.replace), new_text: completion.insert };
    proto::CompletionItem {
        label: completion.label.to_owned(),
        kind: Some(kind),
        detail: Some(completion.detail),
        documentation: Some(documentation.into()),
        // The order of the list is ours: traces first.
        sort_text: Some(format!("{order:03}")),
        text_edit: Some(edit.into()),
        ..Default::default()
    }
}

fn diagnostic(view: &View, problem: Problem) -> proto::Diagnostic {
    proto::Diagnostic {
        range: to_proto::range(view, problem.loc),
        severity: Some(to_proto::severity(problem.severity)),
        code: Some(proto::Code::String(problem.code.id().into())),
        code_description: pages::code_description("godebug"),
        source: Some(to_proto::SOURCE.into()),
        message: proto::Message::String(problem.message),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_known_by_their_language() {
        let kind = |language: &str, name: &str| {
            file_kind(&LanguageKind::from(language.to_owned()), &Uri::from(format!("file:///p/{name}")))
        };
        for (language, name, expected) in [
            ("dotenv", "x", Some(FileKind::Dotenv)),
            ("properties", ".env.local", Some(FileKind::Dotenv)),
            ("properties", "log4j.properties", None),
            ("sh", "prod.env", Some(FileKind::Dotenv)),
            ("sh", "run.sh", Some(FileKind::Shell)),
            ("shellscript", "run", Some(FileKind::Shell)),
            ("dockerfile", "Dockerfile", Some(FileKind::Dockerfile)),
            ("yaml.docker-compose", "compose.yaml", Some(FileKind::Yaml)),
            ("go", "a_test.go", Some(FileKind::GoTest)),
            ("go", "a.go", Some(FileKind::Go)),
            ("go.mod", "go.mod", Some(FileKind::GoMod)),
            ("gowork", "go.work", Some(FileKind::GoMod)),
            ("make", "Makefile", Some(FileKind::Makefile)),
            ("systemd", "app.service", Some(FileKind::Systemd)),
            ("gotrace", "a.log", None),
            ("log", "yaml.log", None),
            ("plaintext", ".env", None),
            ("", "", None),
        ] {
            assert_eq!(kind(language, name), expected, "{language} {name}");
        }
    }
}
