//! Formulas as the catalog writes them: `(cpu_assist_ms + cpu_background_ms) / [procs P]`.
//!
//! - `id`: a value of the line; `before.id`, `next.id`, `near.id`: of a line of the same kind; `last.family.id`: of the
//!   last line of another kind;
//! - `sum(id)`, `max(id)`: of a list;
//! - `[term unit]`: shown as one number with this unit;
//! - `+ - * /`, parentheses and decimal numbers, with their usual meaning.

use crate::Outcome;

/// A term of a formula; see `tracelog::catalog::Expr`.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    Number(String),
    Value(Reference),
    Sum(Reference),
    Max(Reference),
    Named(Box<Expr>, String),
    Operation(Box<Expr>, char, Box<Expr>),
}

/// Which value is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// `This`, `Before`, `Next`, `Near` or `Last`, as in `tracelog::catalog::Of`.
    pub of: &'static str,
    /// The family, where it is not that of the field.
    pub family: Option<String>,
    /// Id of the field.
    pub field: String,
}

/// A condition: left side, relation as in `tracelog::catalog::Relation`, right side.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub left: Expr,
    pub relation: &'static str,
    pub right: Expr,
}

impl Expr {
    /// Reads a formula.
    pub fn parse(text: &str) -> Outcome<Self> {
        let tokens = tokens(text)?;
        let mut at = 0;
        let expr = sum(&tokens, &mut at)?;
        if at < tokens.len() { Err(format!("\"{}\" is one too many", tokens[at])) } else { Ok(expr) }
    }

    /// All values it names.
    pub fn references(&self) -> Vec<&Reference> {
        match self {
            Self::Number(_) => Vec::new(),
            Self::Value(reference) | Self::Sum(reference) | Self::Max(reference) => vec![reference],
            Self::Named(term, _) => term.references(),
            Self::Operation(left, _, right) => left.references().into_iter().chain(right.references()).collect(),
        }
    }
}

/// Relations, longer ones first.
const RELATIONS: [(&str, &str); 5] =
    [("<=", "AtMost"), (">=", "AtLeast"), ("==", "Equal"), ("<", "Less"), (">", "More")];

impl Comparison {
    /// Reads a condition.
    pub fn parse(text: &str) -> Outcome<Self> {
        let sides = RELATIONS.iter().find_map(|(sign, relation)| Some((text.split_once(sign)?, *relation)));
        let ((left, right), relation) = sides.ok_or_else(|| format!("condition \"{text}\": compares nothing"))?;
        Ok(Self { left: Expr::parse(left)?, relation, right: Expr::parse(right)? })
    }
}

fn tokens(text: &str) -> Outcome<Vec<String>> {
    let mut tokens: Vec<String> = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let mut token = char.to_string();
        if char.is_ascii_alphanumeric() {
            while let Some(more) = chars.next_if(|char| char.is_ascii_alphanumeric() || "_.".contains(*char)) {
                token.push(more);
            }
        } else if char == ' ' {
            continue;
        } else if !"+-*/()[]%".contains(char) {
            return Err(format!("'{char}' means nothing in a formula"));
        }
        tokens.push(token);
    }
    Ok(tokens)
}

fn sum(tokens: &[String], at: &mut usize) -> Outcome<Expr> {
    operations(tokens, at, &["+", "-"], product)
}

fn product(tokens: &[String], at: &mut usize) -> Outcome<Expr> {
    operations(tokens, at, &["*", "/"], atom)
}

/// Terms with these operators between them, from left to right.
fn operations(
    tokens: &[String],
    at: &mut usize,
    operators: &[&str],
    operand: fn(&[String], &mut usize) -> Outcome<Expr>,
) -> Outcome<Expr> {
    let mut left = operand(tokens, at)?;
    while let Some(operator) = tokens.get(*at).filter(|token| operators.contains(&token.as_str())) {
        let operator = operator.chars().next().unwrap_or_default();
        *at += 1;
        left = Expr::Operation(Box::new(left), operator, Box::new(operand(tokens, at)?));
    }
    Ok(left)
}

fn atom(tokens: &[String], at: &mut usize) -> Outcome<Expr> {
    let token = next(tokens, at)?;
    match token {
        "(" => {
            let inside = sum(tokens, at)?;
            expect(tokens, at, ")")?;
            Ok(inside)
        }
        "[" => {
            let inside = sum(tokens, at)?;
            let unit = next(tokens, at)?.to_owned();
            expect(tokens, at, "]")?;
            Ok(Expr::Named(Box::new(inside), unit))
        }
        "sum" | "max" => {
            expect(tokens, at, "(")?;
            let list = reference(next(tokens, at)?)?;
            expect(tokens, at, ")")?;
            Ok(if token == "sum" { Expr::Sum(list) } else { Expr::Max(list) })
        }
        number if number.starts_with(|char: char| char.is_ascii_digit()) => {
            number.parse::<f64>().map_err(|_| format!("\"{number}\" is no number"))?;
            Ok(Expr::Number(number.to_owned()))
        }
        name => Ok(Expr::Value(reference(name)?)),
    }
}

fn next<'a>(tokens: &'a [String], at: &mut usize) -> Outcome<&'a str> {
    let token = tokens.get(*at).ok_or("the formula ends too early")?;
    *at += 1;
    Ok(token)
}

fn expect(tokens: &[String], at: &mut usize, wanted: &str) -> Outcome {
    let token = next(tokens, at)?;
    if token == wanted { Ok(()) } else { Err(format!("\"{token}\" where \"{wanted}\" should be")) }
}

fn reference(name: &str) -> Outcome<Reference> {
    if !name.starts_with(|char: char| char.is_ascii_lowercase()) {
        return Err(format!("\"{name}\" is no name of a value"));
    }
    let parts: Vec<&str> = name.split('.').collect();
    let (of, family, field) = match parts[..] {
        [field] => ("This", None, field),
        ["before", field] => ("Before", None, field),
        ["next", field] => ("Next", None, field),
        ["near", field] => ("Near", None, field),
        ["last", family, field] => ("Last", Some(family.to_owned()), field),
        _ => return Err(format!("\"{name}\": not before., next., near. or last.family.")),
    };
    Ok(Reference { of, family, field: field.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_bind_closer_than_sums() {
        let value = |field: &str| Box::new(Expr::Value(reference(field).unwrap()));
        let product = Expr::Operation(value("b"), '*', value("next.c"));
        assert_eq!(Expr::parse("a + b * next.c"), Ok(Expr::Operation(value("a"), '+', Box::new(product))));
        let difference = Expr::Operation(Box::new(Expr::Operation(value("a"), '-', value("b"))), '-', value("c"));
        assert_eq!(Expr::parse("a - b - c"), Ok(difference));
    }

    #[test]
    fn brackets_name_a_term() {
        let term = Expr::parse("[1000 * (next.at_s - at_s) ms]").unwrap();
        assert!(matches!(&term, Expr::Named(_, unit) if unit == "ms"));
        assert_eq!(term.references().len(), 2);
        let sum = Expr::parse("runqueue + sum(last.sched.local_runqueues)").unwrap();
        assert_eq!(sum.references()[1].family.as_deref(), Some("sched"));
    }

    #[test]
    fn what_is_not_a_formula_is_refused() {
        for text in ["", "a +", "(a", "a b", "[a]", "sum(3)", "a.b", "then.a", "1.2.3", "a ^ b", "Ä"] {
            assert!(Expr::parse(text).is_err(), "{text}");
        }
        assert!(Comparison::parse("a + b").is_err());
        assert_eq!(Comparison::parse("a >= 20").unwrap().relation, "AtLeast");
        assert_eq!(Comparison::parse("a > b").unwrap().relation, "More");
    }
}
