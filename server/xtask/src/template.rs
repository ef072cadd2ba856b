//! Templates of shapes, as the catalog writes them.
//!
//! A template is the text of a line with marks in it:
//!
//! - `{id}`: a value of the field `id`, printed as the field's kind;
//! - `{id:hex}`: the same, printed as another kind;
//! - `{id?text}`: `text` may be printed here and makes the flag field `id` true. Flags next to each other exclude each
//!   other: at most one of them is printed;
//! - `{pad}`: one or more blanks or tabs;
//! - `~`: a fragment that reaches this point is certain to be of this shape. It stands after a literal and is no text.

use crate::Outcome;

/// One part of a template; literals never touch each other, and neither do values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Exactly this text.
    Literal(String),
    /// A value of the field, printed as the named kind or as the field's own.
    Value { field: String, kind: Option<String> },
    /// The field is true when this text is printed here.
    Flag { field: String, text: String },
    /// One or more blanks or tabs.
    Pad,
}

/// A template in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// In printed order.
    pub parts: Vec<Part>,
    /// Number of parts before the `~`.
    pub certain_after: usize,
}

impl Template {
    /// Reads the template of a shape that is looked for anywhere in a line; says what is wrong with one that cannot be
    /// matched without guessing.
    pub fn parse(text: &str) -> Outcome<Self> {
        let (parts, certain_after) = split(text)?;
        let Some(certain_after) = certain_after else {
            return Err(format!("template \"{text}\": no ~"));
        };
        if !parts.iter().any(|part| matches!(part, Part::Literal(_))) {
            return Err(format!("template \"{text}\": no literal"));
        }
        if let Some(Part::Value { .. } | Part::Pad) = parts.first() {
            return Err(format!("template \"{text}\": begins with a value"));
        }
        Ok(Self { parts, certain_after })
    }

    /// Reads the template of a shape that is a whole line. It is certain when all of it is there, so it needs no `~`.
    pub fn parse_line(text: &str) -> Outcome<Self> {
        let (parts, certain_after) = split(text)?;
        if certain_after.is_some() {
            return Err(format!("template \"{text}\": a whole line has no ~"));
        }
        let certain_after = parts.len();
        Ok(Self { parts, certain_after })
    }

    /// The texts a line of this shape can begin with, up to its first value.
    pub fn starts(&self) -> Vec<String> {
        let mut starts = Vec::new();
        for part in &self.parts {
            match part {
                Part::Flag { text, .. } => starts.push(text.clone()),
                Part::Literal(text) => {
                    for start in &mut starts {
                        *start += text;
                    }
                    starts.push(text.clone());
                    break;
                }
                Part::Value { .. } | Part::Pad => break,
            }
        }
        starts
    }

    /// Ids of the fields in printed order.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) | Part::Pad => None,
            Part::Value { field, .. } | Part::Flag { field, .. } => Some(field.as_str()),
        })
    }
}

/// Splits a template into its parts; also how many of them stand before its `~`.
fn split(text: &str) -> Outcome<(Vec<Part>, Option<usize>)> {
    let mut parts = Vec::new();
    let mut certain_after = None;
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('~') {
            if certain_after.replace(parts.len()).is_some() {
                return Err(format!("template \"{text}\": more than one ~"));
            }
            if !matches!(parts.last(), Some(Part::Literal(_))) {
                return Err(format!("template \"{text}\": ~ does not follow a literal"));
            }
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let Some((mark, after)) = after.split_once('}') else {
                return Err(format!("template \"{text}\": {{ without }}"));
            };
            parts.push(parse_mark(mark));
            rest = after;
        } else {
            let end = rest.find(['{', '~']).unwrap_or(rest.len());
            if matches!(parts.last(), Some(Part::Literal(_))) {
                return Err(format!("template \"{text}\": ~ inside a literal"));
            }
            parts.push(Part::Literal(rest[..end].to_owned()));
            rest = &rest[end..];
        }
    }
    for pair in parts.windows(2) {
        if matches!(pair, [Part::Value { .. }, Part::Value { .. }]) {
            return Err(format!("template \"{text}\": two values without a literal between them"));
        }
    }
    Ok((parts, certain_after))
}

fn parse_mark(mark: &str) -> Part {
    if mark == "pad" {
        Part::Pad
    } else if let Some((field, text)) = mark.split_once('?') {
        Part::Flag { field: field.to_owned(), text: text.to_owned() }
    } else if let Some((field, kind)) = mark.split_once(':') {
        Part::Value { field: field.to_owned(), kind: Some(kind.to_owned()) }
    } else {
        Part::Value { field: mark.to_owned(), kind: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(field: &str) -> Part {
        Part::Value { field: field.to_owned(), kind: None }
    }

    #[test]
    fn splits_into_literals_values_and_flags() {
        let template = Template::parse("scav {work} KiB, ~{util:hex}% util{forced? (forced)}").unwrap();
        assert_eq!(
            template.parts,
            [
                Part::Literal("scav ".to_owned()),
                value("work"),
                Part::Literal(" KiB, ".to_owned()),
                Part::Value { field: "util".to_owned(), kind: Some("hex".to_owned()) },
                Part::Literal("% util".to_owned()),
                Part::Flag { field: "forced".to_owned(), text: " (forced)".to_owned() },
            ]
        );
        assert_eq!(template.certain_after, 3);
        assert_eq!(template.starts(), ["scav "]);
        assert_eq!(template.fields().collect::<Vec<_>>(), ["work", "util", "forced"]);
    }

    #[test]
    fn a_leading_flag_gives_two_starts() {
        let template = Template::parse("{forced?forced }scvg: inuse: ~{inuse}").unwrap();
        assert_eq!(template.starts(), ["forced scvg: inuse: ", "scvg: inuse: "]);
    }

    #[test]
    fn a_line_without_fields_is_certain_when_it_is_whole() {
        let template = Template::parse("GC forced~").unwrap();
        assert_eq!((template.parts.len(), template.certain_after), (1, 1));
    }

    #[test]
    fn rejects_what_cannot_be_matched_without_guessing() {
        for text in ["", "{n}~", "~gc {n}", "gc ~4 {n}", "gc {n}", "gc {n", "gc {n}~", "gc ~{n}{m}", "gc ~{n} ~{m}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
