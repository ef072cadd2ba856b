//! Typed view of the catalog: what Go's runtime prints, field by field and release by release.
//!
//! The facts live in `server/catalog/formats/*.toml`, one file per family; `cargo xtask codegen` turns them into
//! [`generated`]. Nothing here reads a file: the catalog is compiled in.

use std::fmt;

mod formula;
#[rustfmt::skip]
mod generated;

pub use formula::{Comparison, Expr, Formula, Of, Relation, Values};
pub use generated::*;

/// The oldest Go release the catalog speaks of is 1.0; the newest is `1.NEWEST_MINOR`.
pub const NEWEST_MINOR: u8 = NEWEST_RELEASE;

/// A set of Go minor releases, one bit each (bit 18 is Go 1.18).
///
/// A run starts with all releases and is narrowed by every shape it uses: sets are intersected, never joined.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct GoReleases(u64);

impl GoReleases {
    /// Every release the catalog knows.
    pub const ALL: Self = Self::range(0, NEWEST_MINOR);

    /// The releases from `1.first` to `1.last`, both included.
    pub const fn range(first: u8, last: u8) -> Self {
        Self((u64::MAX >> (63 - last)) & (u64::MAX << first))
    }

    /// Releases that are in either set.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Releases that are in both sets.
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// No release is left: the lines of two programs or an unknown dialect were mixed.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether Go `1.minor` is in the set.
    pub const fn contains(self, minor: u8) -> bool {
        minor < 64 && self.0 & (1 << minor) != 0
    }

    /// Whether every release of `other` is in this set.
    pub const fn contains_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The oldest release of the set, as its minor number.
    pub const fn oldest(self) -> Option<u8> {
        if self.0 == 0 { None } else { Some(self.0.trailing_zeros() as u8) }
    }

    /// The newest release of the set, as its minor number.
    pub const fn newest(self) -> Option<u8> {
        if self.0 == 0 { None } else { Some(63 - self.0.leading_zeros() as u8) }
    }
}

impl fmt::Display for GoReleases {
    /// `1.18`, `1.18 – 1.25`, or `1.14, 1.19 – 1.20` where the set has gaps.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        let mut minor = 0;
        while minor <= NEWEST_MINOR {
            if !self.contains(minor) {
                minor += 1;
                continue;
            }
            let start = minor;
            while self.contains(minor + 1) {
                minor += 1;
            }
            let separator = if first { "" } else { ", " };
            if start == minor {
                write!(f, "{separator}1.{start}")?;
            } else {
                write!(f, "{separator}1.{start} – 1.{minor}")?;
            }
            first = false;
            minor += 1;
        }
        Ok(())
    }
}

impl fmt::Debug for GoReleases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Go({self})")
    }
}

/// How a field is printed, and so how its cell is stored and given back exactly as printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Decimal digits.
    Uint,
    /// Decimal digits, perhaps with a minus sign.
    Int,
    /// `0x` and lower-case hexadecimal digits.
    Hex,
    /// Seconds with exactly three decimals (`itoaDiv(…, 3)` in `runtime/mgc.go`); the value is whole milliseconds.
    Seconds3,
    /// Milliseconds with two significant digits below 10 ms (`fmtNSAsMS` in `runtime/mgc.go`, Go 1.5 and later).
    Millis2,
    /// `0`, `1`, `true` or `false`.
    Bool,
    /// Not a number: the field is true when its literal is printed.
    Flag,
    /// Decimal integers separated by single blanks.
    IntList,
    /// Hexadecimal numbers, each with a blank before it; perhaps none.
    HexList,
    /// Text up to the first place where the template goes on, perhaps none.
    Text,
    /// Text up to the last place where the template goes on: function names and paths hold the same characters.
    LongText,
    /// A float as Go printed it up to 1.25: sign, seven digits, three digits of exponent; also `NaN` and `+Inf`.
    FloatE,
    /// A float as Go prints it since 1.26: the shortest digits that give it back; also `NaN` and `+Inf`.
    FloatG,
    /// A number of something else, or `nil` (`-1` up to Go 1.19) when there is none.
    Ref,
}

impl Kind {
    /// Whether values are texts, stored once for each chunk.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::LongText)
    }

    /// Whether values are lists of numbers.
    pub const fn is_list(self) -> bool {
        matches!(self, Self::IntList | Self::HexList)
    }
}

/// What a value is, for coloring and for choosing words. One TextMate scope and one semantic token type each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A point in time or an interval.
    Time,
    /// Stop-the-world time.
    Pause,
    /// P-time spent by the collector, and shares of it.
    Cpu,
    /// Sizes of heap or memory.
    Heap,
    /// A heap goal.
    Goal,
    /// A number of things.
    Count,
    /// A number that identifies something: a cycle, a pass, a P.
    Id,
    /// A switch or mode.
    State,
    /// The name of a function.
    Function,
    /// A file and what belongs to its name.
    File,
    /// Text of the program.
    Text,
}

/// One field of a family, declared once. Texts are Markdown-free sentences.
#[derive(Debug)]
pub struct FieldDef {
    /// Permanent id with the unit in the name, e.g. `heap_goal_mb`. One id has one meaning and one JSON type everywhere.
    pub id: &'static str,
    /// Name in words, e.g. "Heap goal".
    pub title: &'static str,
    /// Unit as shown to people ("MB", "ms", "%", "" for a bare count).
    pub unit: &'static str,
    /// How it is printed.
    pub kind: Kind,
    /// What kind of thing it is.
    pub role: Role,
    /// A count, time or share of everything since the program started: its values of a run are compared with the one
    /// before, not ranked.
    pub cumulative: bool,
    /// What it is, in one to three sentences.
    pub meaning: &'static str,
    /// How to read it.
    pub reading: &'static str,
    /// What is normal. Empty when nothing general can be said.
    pub normal: &'static str,
    /// What a bad value suggests. Empty when no value is bad by itself.
    pub suspect: &'static str,
    /// What single printed values are called, for states and reasons.
    pub names: &'static [NameDef],
    /// What differs by release, or is commonly confused, with the releases the note is for.
    pub notes: &'static [(GoReleases, &'static str)],
    /// What it gives together with other values.
    pub formula: &'static [Formula],
    /// What it is commonly taken for, with the releases of which that must be said.
    pub confusion: &'static [(GoReleases, &'static str)],
    /// Where the knowledge comes from: runtime file, function, releases.
    pub source: &'static str,
    /// The parts of the source, each with the releases it is for.
    pub sources: &'static [(GoReleases, &'static str)],
    /// Releases that print it, where that is narrower than the shape (an optional note added later).
    pub go: GoReleases,
}

/// What one printed value of a field is called.
#[derive(Debug)]
pub struct NameDef {
    /// The value as printed.
    pub printed: &'static str,
    /// Its name in Go's source; empty where it prints its name.
    pub name: &'static str,
    /// Releases that print it.
    pub go: GoReleases,
    /// What it means.
    pub meaning: &'static str,
}

/// A kind of block.
#[derive(Debug)]
pub struct BlockDef {
    /// Permanent id.
    pub id: &'static str,
    /// What it is.
    pub meaning: &'static str,
}

/// Where in a line a shape is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Everywhere, and its torn pieces are put together.
    Anywhere,
    /// It is all of a line's content.
    Line,
}

/// What reads a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Its template.
    Template,
    /// The header of a goroutine, whose parts are optional.
    Goroutine,
}

/// One part of a shape's template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Exactly these bytes.
    Literal(&'static str),
    /// A value of the field with this index, printed as this kind.
    Value(u8, Kind),
    /// The field with this index is true when these bytes are printed here, false when not.
    Flag(u8, &'static str),
    /// One or more blanks or tabs.
    Pad,
}

/// One layout of a family, printed by some Go releases.
#[derive(Debug)]
pub struct ShapeDef {
    /// Permanent id, e.g. `gc_1_18`: family and the first release that prints it.
    pub id: &'static str,
    /// The family it belongs to.
    pub family: Family,
    /// Releases that print this layout.
    pub go: GoReleases,
    /// The template as written in the catalog, for people.
    pub template: &'static str,
    /// The template, compiled. Literals and values alternate; never two literals in a row.
    pub pieces: &'static [Piece],
    /// Where in a line it is looked for.
    pub at: At,
    /// Blocks in which it is claimed; anywhere when there are none.
    pub within: &'static [Block],
    /// The block that it opens.
    pub opens: Option<Block>,
    /// What reads it.
    pub reader: Reader,
    /// A fragment that matched this many pieces is certain to be one; shorter ones count only when their other half is found.
    pub certain_after: u8,
    /// The literals with which the shape can begin.
    pub starts: &'static [&'static str],
    /// What the line tells where its family has no field for it. Empty for most.
    pub note: &'static str,
}

/// A kind of line, its fields and its layouts.
#[derive(Debug)]
pub struct FamilyDef {
    /// Permanent id, e.g. `gc`; also the namespace of field ids.
    pub id: &'static str,
    /// Name in words.
    pub title: &'static str,
    /// The switch that makes a Go program print it, e.g. `GODEBUG=gctrace=1`.
    pub knob: &'static str,
    /// What the line is and when it is printed.
    pub meaning: &'static str,
    /// All fields of all shapes, in display order.
    pub fields: &'static [FieldDef],
    /// Ids of its shapes, oldest first.
    pub shapes: &'static [Shape],
}

/// A field of a family: an index into its definition.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Field {
    /// The family.
    pub family: Family,
    /// Index into [`FamilyDef::fields`].
    pub index: u8,
}

impl Field {
    /// Its definition.
    pub fn def(self) -> &'static FieldDef {
        &self.family.def().fields[usize::from(self.index)]
    }

    /// The field of `family` with this id.
    pub fn by_id(family: Family, id: &str) -> Option<Self> {
        let index = family.def().fields.iter().position(|field| field.id == id)?;
        Some(Self { family, index: index as u8 })
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.family.def().id, self.def().id)
    }
}

impl Family {
    /// Its definition.
    pub fn def(self) -> &'static FamilyDef {
        &FAMILIES[self as usize]
    }

    /// Whether its lines are whole lines of dumps, profiles and the like, instead of items found anywhere.
    pub fn is_of_blocks(self) -> bool {
        self.def().shapes.iter().all(|shape| shape.def().at == At::Line)
    }

    /// The family with this id.
    pub fn by_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|family| family.def().id == id)
    }
}

impl Block {
    /// Its definition.
    pub fn def(self) -> &'static BlockDef {
        &BLOCKS[self as usize]
    }
}

impl Shape {
    /// Its definition.
    pub fn def(self) -> &'static ShapeDef {
        &SHAPES[usize::from(self.0)]
    }

    /// The shape with this id.
    pub fn by_id(id: &str) -> Option<Self> {
        (0..SHAPES.len()).map(|index| Self(index as u16)).find(|shape| shape.def().id == id)
    }
}

/// A shape: an index into [`SHAPES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape(pub u16);
