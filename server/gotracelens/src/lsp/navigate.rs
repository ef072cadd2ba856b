//! Questions about where things are: convert, ask, convert back. They run on the pool, over an immutable view.

use std::ops::Range;

use ide::{Declarations, FoundKind, HighlightKind, Resolution, navigate};
use tower_lsp::gen_lsp_types as proto;
use tracelog::LineCol;

use super::from_proto;
use super::to_proto;
use super::uri::uri_of;
use super::world::View;

fn place(view: &View, position: proto::Position) -> LineCol {
    from_proto::position(&view.text, view.profile.encoding, position)
}

fn location(view: &View, loc: tracelog::Loc) -> proto::Location {
    proto::Location { uri: view.uri.clone(), range: to_proto::range(view, loc) }
}

/// The line that is about a P, a thread or a goroutine; the file that a frame names.
pub(super) fn definition(view: &View, position: proto::Position) -> Option<proto::DefinitionResponse> {
    let at = place(view, position);
    let link = match ide::resolve(&view.snapshot, at) {
        Some(resolved) => {
            let Resolution::Here(target) = resolved.resolution else { return None };
            let target_selection_range = to_proto::range(view, target.loc);
            proto::LocationLink {
                origin_selection_range: Some(to_proto::range(view, resolved.origin)),
                target_uri: view.uri.clone(),
                target_range: to_proto::lines(view, target.lines, target_selection_range),
                target_selection_range,
            }
        }
        None => {
            let place = ide::file_at(&view.snapshot, at)?;
            let path = view.roots.look().file(&place.file)?;
            let start = proto::Position { line: place.line_no - 1, character: 0 };
            let range = proto::Range { start, end: start };
            proto::LocationLink {
                origin_selection_range: Some(to_proto::range(view, place.loc)),
                target_uri: uri_of(&path)?,
                target_range: range,
                target_selection_range: range,
            }
        }
    };
    Some(if view.profile.definition_links {
        proto::DefinitionResponse::DefinitionLinkList(vec![link])
    } else {
        let location = proto::Location { uri: link.target_uri, range: link.target_selection_range };
        proto::DefinitionResponse::Definition(proto::Definition::Location(location))
    })
}

/// All lines of the run that name a thing.
pub(super) fn references(
    view: &View,
    position: proto::Position,
    context: &proto::ReferenceContext,
) -> Option<Vec<proto::Location>> {
    let declarations = if context.include_declaration { Declarations::Included } else { Declarations::Left };
    let references = ide::references(&view.snapshot, place(view, position), declarations)?;
    Some(references.into_iter().map(|loc| location(view, loc)).collect())
}

/// The lines of the block that name a thing. No answer where there is none: the editor may mark equal words then.
pub(super) fn highlights(view: &View, position: proto::Position) -> Option<Vec<proto::DocumentHighlight>> {
    let highlights = ide::highlights(&view.snapshot, place(view, position)).into_iter();
    let highlights = highlights.map(|highlight| proto::DocumentHighlight {
        range: to_proto::range(view, highlight.loc),
        kind: Some(match highlight.kind {
            HighlightKind::Own => proto::DocumentHighlightKind::Write,
            HighlightKind::Reference => proto::DocumentHighlightKind::Read,
        }),
    });
    Some(highlights.collect::<Vec<_>>()).filter(|highlights| !highlights.is_empty())
}

/// Links to the files that frames name, as far as there are such files.
pub(super) fn document_links(view: &View) -> Option<Vec<proto::DocumentLink>> {
    let mut look = view.roots.look();
    let mut uris = std::collections::HashMap::new();
    let places = ide::file_links(&view.snapshot, |file| {
        let uri = look.file(file).and_then(|path| uri_of(&path));
        uri.map(|uri| uris.insert(file.to_owned(), uri)).is_some()
    });
    let links = places.into_iter().filter_map(|place| {
        let uri = uris.get(&place.file)?;
        Some(proto::DocumentLink {
            range: to_proto::range(view, place.loc),
            target: Some(proto::Uri::from(format!("{}#L{}", uri.0, place.line_no))),
            tooltip: None,
            data: None,
        })
    });
    Some(links.collect())
}

/// What to select next around each position.
pub(super) fn selection_ranges(view: &View, positions: &[proto::Position]) -> Option<Vec<proto::SelectionRange>> {
    let of_position = |position: &proto::Position| {
        let at = place(view, *position);
        let to_range = |range: Range<LineCol>| proto::Range {
            start: to_proto::position(view, range.start),
            end: to_proto::position(view, range.end),
        };
        let ranges = ide::selections(&view.snapshot, at).into_iter().rev().map(to_range);
        let outermost_first =
            ranges.fold(None, |parent, range| Some(proto::SelectionRange { range, parent: parent.map(Box::new) }));
        // The protocol wants an answer for each position.
        outermost_first.unwrap_or_else(|| {
            let here = to_proto::position(view, at);
            proto::SelectionRange { range: proto::Range { start: here, end: here }, parent: None }
        })
    };
    Some(positions.iter().map(of_position).collect())
}

fn hierarchy_item(view: &View, item: navigate::GoroutineItem) -> proto::CallHierarchyItem {
    let selection_range = to_proto::range(view, item.loc);
    proto::CallHierarchyItem {
        name: item.name,
        kind: proto::SymbolKind::Function,
        tags: None,
        detail: Some(item.detail).filter(|detail| !detail.is_empty()),
        uri: view.uri.clone(),
        range: to_proto::lines(view, item.lines, selection_range),
        selection_range,
        data: None,
    }
}

/// The goroutine at a place of a dump. Its item is found again by where it stands.
pub(super) fn goroutine(view: &View, position: proto::Position) -> Option<Vec<proto::CallHierarchyItem>> {
    let item = ide::goroutine_at(&view.snapshot, place(view, position))?;
    Some(vec![hierarchy_item(view, item)])
}

/// The goroutine that created it.
pub(super) fn creator(view: &View, position: proto::Position) -> Option<Vec<proto::CallHierarchyIncomingCall>> {
    let creator = ide::creator(&view.snapshot, place(view, position));
    let calls = creator.into_iter().map(|creation| proto::CallHierarchyIncomingCall {
        from_ranges: vec![to_proto::range(view, creation.at)],
        from: hierarchy_item(view, creation.item),
    });
    Some(calls.collect())
}

/// The goroutines that it created.
pub(super) fn created(view: &View, position: proto::Position) -> Option<Vec<proto::CallHierarchyOutgoingCall>> {
    let created = ide::created(&view.snapshot, place(view, position)).into_iter();
    let calls = created.map(|creation| proto::CallHierarchyOutgoingCall {
        from_ranges: vec![to_proto::range(view, creation.at)],
        to: hierarchy_item(view, creation.item),
    });
    Some(calls.collect())
}

/// What fits a query in one document, each with how well it fits.
pub(super) fn search(view: &View, query: &str) -> Vec<(navigate::Fit, proto::SymbolInformation)> {
    let found = ide::search(&view.snapshot, query).into_iter();
    found.map(|found| (found.fit, symbol(view, found))).collect()
}

fn symbol(view: &View, found: ide::Found) -> proto::SymbolInformation {
    let base_symbol_information = proto::BaseSymbolInformation {
        name: found.name,
        kind: match found.kind {
            FoundKind::Finding | FoundKind::Cycle => proto::SymbolKind::Event,
            FoundKind::Goroutine | FoundKind::Function => proto::SymbolKind::Function,
            FoundKind::Thread | FoundKind::Processor | FoundKind::Block => proto::SymbolKind::Object,
            FoundKind::Run => proto::SymbolKind::Namespace,
        },
        tags: None,
        container_name: Some(found.container).filter(|container| !container.is_empty()),
    };
    #[expect(deprecated, reason = "the generated struct has no other constructor that leaves the field out")]
    proto::SymbolInformation { deprecated: None, location: location(view, found.loc), base_symbol_information }
}

/// The best of what all documents have.
pub(super) fn merged(found: Vec<Vec<(navigate::Fit, proto::SymbolInformation)>>) -> proto::WorkspaceSymbolResponse {
    let mut found: Vec<_> = found.into_iter().flatten().collect();
    found.sort_by(|(a_fit, a), (b_fit, b)| (a_fit, &a.location.uri.0).cmp(&(b_fit, &b.location.uri.0)));
    found.truncate(navigate::MAX_FOUND);
    proto::WorkspaceSymbolResponse::SymbolInformationList(found.into_iter().map(|(_, symbol)| symbol).collect())
}
