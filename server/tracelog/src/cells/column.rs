//! Columns: codes of cells in as few bytes as they need.
//!
//! A column stores one, two, four or eight bytes a cell, or nothing at all while every cell is the same.

use crate::table::Lists;

/// Cells of one field over the rows of a chunk.
#[derive(Clone, Debug, Default)]
pub struct Column {
    cells: Cells,
    /// One bit a row, set where the value is absent; None while none is.
    absent: Option<Vec<u64>>,
}

#[derive(Clone, Debug)]
enum Cells {
    /// Every cell is this one.
    Same {
        code: u64,
        len: u32,
    },
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
}

impl Default for Cells {
    fn default() -> Self {
        Self::Same { code: 0, len: 0 }
    }
}

/// Rows for which room is made when a column first needs it; a chunk holds about this many.
const ROOM: usize = 512;

impl Column {
    /// A column whose first `rows` values are absent.
    pub fn absent(rows: usize) -> Self {
        let mut column = Self::default();
        column.fill(rows);
        column
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match &self.cells {
            Cells::Same { len, .. } => *len as usize,
            Cells::U8(cells) => cells.len(),
            Cells::U16(cells) => cells.len(),
            Cells::U32(cells) => cells.len(),
            Cells::U64(cells) => cells.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The code in a row; None where absent or out of range.
    #[inline]
    pub fn get(&self, row: usize) -> Option<u64> {
        if let Some(absent) = &self.absent
            && absent.get(row / 64).is_some_and(|bits| bits >> (row % 64) & 1 == 1)
        {
            return None;
        }
        match &self.cells {
            Cells::Same { code, len } => (row < *len as usize).then_some(*code),
            Cells::U8(cells) => cells.get(row).map(|code| u64::from(*code)),
            Cells::U16(cells) => cells.get(row).map(|code| u64::from(*code)),
            Cells::U32(cells) => cells.get(row).map(|code| u64::from(*code)),
            Cells::U64(cells) => cells.get(row).copied(),
        }
    }

    /// Appends a value.
    #[inline]
    pub fn push(&mut self, code: u64) {
        match &mut self.cells {
            Cells::U8(cells) if code <= u64::from(u8::MAX) => cells.push(code as u8),
            Cells::U16(cells) if code <= u64::from(u16::MAX) => cells.push(code as u16),
            Cells::U32(cells) if code <= u64::from(u32::MAX) => cells.push(code as u32),
            Cells::U64(cells) => cells.push(code),
            Cells::Same { code: same, len } if *same == code => *len += 1,
            _ => self.push_wider(code),
        }
    }

    /// Appends a row without a value.
    pub fn push_absent(&mut self) {
        let row = self.len();
        let code = if let Cells::Same { code, .. } = self.cells { code } else { 0 };
        self.push(code);
        let absent = self.absent.get_or_insert_default();
        absent.resize(row / 64 + 1, 0);
        absent[row / 64] |= 1 << (row % 64);
    }

    /// Appends values.
    pub(crate) fn extend(&mut self, codes: impl Iterator<Item = u64> + Clone) {
        if !self.is_empty() {
            codes.for_each(|code| self.push(code));
            return;
        }
        let Some(first) = codes.clone().next() else { return };
        // Bits that any code has, and bits in which any differs from the first.
        let (any, differ) = codes.clone().fold((0, 0), |(any, differ), code| (any | code, differ | (code ^ first)));
        self.cells = match any {
            _ if differ == 0 => Cells::Same { code: first, len: codes.count() as u32 },
            0..=0xff => Cells::U8(codes.map(|code| code as u8).collect()),
            0x100..=0xffff => Cells::U16(codes.map(|code| code as u16).collect()),
            0x1_0000..=0xffff_ffff => Cells::U32(codes.map(|code| code as u32).collect()),
            _ => Cells::U64(codes.collect()),
        };
    }

    /// Appends rows without a value until there are `n_rows`.
    pub(crate) fn fill(&mut self, n_rows: usize) {
        (self.len()..n_rows).for_each(|_| self.push_absent());
    }

    /// Moves all cells to a width that holds `code`, then appends it.
    #[cold]
    fn push_wider(&mut self, code: u64) {
        let len = self.len();
        if len == 0 {
            self.cells = Cells::Same { code, len: 1 };
            return;
        }
        let widest = match self.cells {
            Cells::Same { code: same, .. } => same.max(code),
            _ => code,
        };
        let room = (len + 1).max(ROOM);
        let raw = (0..len).map(|row| self.raw(row));
        self.cells = match widest {
            0..=0xff => Cells::U8(fill(room, raw.map(|code| code as u8))),
            0x100..=0xffff => Cells::U16(fill(room, raw.map(|code| code as u16))),
            0x1_0000..=0xffff_ffff => Cells::U32(fill(room, raw.map(|code| code as u32))),
            _ => Cells::U64(fill(room, raw)),
        };
        self.push(code);
    }

    /// The stored cell, whether the value is absent or not.
    fn raw(&self, row: usize) -> u64 {
        match &self.cells {
            Cells::Same { code, .. } => *code,
            Cells::U8(cells) => u64::from(cells[row]),
            Cells::U16(cells) => u64::from(cells[row]),
            Cells::U32(cells) => u64::from(cells[row]),
            Cells::U64(cells) => cells[row],
        }
    }

    /// Gives back memory kept for further rows.
    pub fn shrink(&mut self) {
        match &mut self.cells {
            Cells::Same { .. } => {}
            Cells::U8(cells) => cells.shrink_to_fit(),
            Cells::U16(cells) => cells.shrink_to_fit(),
            Cells::U32(cells) => cells.shrink_to_fit(),
            Cells::U64(cells) => cells.shrink_to_fit(),
        }
    }

    /// Bytes of heap memory held.
    pub fn n_bytes(&self) -> usize {
        let cells = match &self.cells {
            Cells::Same { .. } => 0,
            Cells::U8(cells) => cells.capacity(),
            Cells::U16(cells) => cells.capacity() * 2,
            Cells::U32(cells) => cells.capacity() * 4,
            Cells::U64(cells) => cells.capacity() * 8,
        };
        cells + self.absent.as_ref().map_or(0, |bits| bits.capacity() * 8)
    }
}

fn fill<T>(room: usize, cells: impl Iterator<Item = T>) -> Vec<T> {
    let mut filled = Vec::with_capacity(room);
    filled.extend(cells);
    filled
}

/// Equal when they give the same values, whatever the width in which they are stored.
impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && (0..self.len()).all(|row| self.get(row) == other.get(row))
    }
}

/// Lists of one field over the rows of a chunk: all values in one column, and where each row's end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListColumn {
    ends: Vec<u32>,
    values: Column,
}

impl ListColumn {
    /// A column whose first `rows` lists are empty.
    pub fn empty(rows: usize) -> Self {
        Self { ends: vec![0; rows], values: Column::default() }
    }

    /// Appends a row.
    pub fn push(&mut self, codes: &[u64]) {
        for code in codes {
            self.values.push(*code);
        }
        self.ends.push(self.values.len() as u32);
    }

    /// Appends rows.
    pub(crate) fn extend(&mut self, lists: &Lists) {
        let start = self.values.len() as u32;
        self.values.extend(lists.codes.iter().copied());
        self.ends.extend(lists.ends.iter().map(|end| start + end));
    }

    /// Appends rows without a list until there are `n_rows`.
    pub(crate) fn fill(&mut self, n_rows: usize) {
        self.ends.resize(n_rows.max(self.ends.len()), self.values.len() as u32);
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The codes of a row; none where the row has no list.
    pub fn get(&self, row: usize) -> impl Iterator<Item = u64> + '_ {
        let end = self.ends.get(row).copied().unwrap_or(0) as usize;
        let start = if row == 0 { 0 } else { self.ends.get(row - 1).copied().unwrap_or(0) as usize };
        (start.min(end)..end).filter_map(|at| self.values.get(at))
    }

    /// Gives back memory kept for further rows.
    pub fn shrink(&mut self) {
        self.ends.shrink_to_fit();
        self.values.shrink();
    }

    /// Bytes of heap memory held.
    pub fn n_bytes(&self) -> usize {
        self.ends.capacity() * 4 + self.values.n_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_column_of_equal_values_takes_no_memory() {
        let mut column = Column::default();
        for _ in 0..1000 {
            column.push(8);
        }
        assert_eq!((column.n_bytes(), column.get(999)), (0, Some(8)));
    }

    proptest! {
        #[test]
        fn a_column_gives_back_what_was_pushed(values in prop::collection::vec(prop::option::weighted(0.9, prop_oneof![0_u64..3, 0_u64..70_000, any::<u64>()]), 0..200)) {
            let mut column = Column::default();
            for value in &values {
                match value {
                    Some(code) => column.push(*code),
                    None => column.push_absent(),
                }
            }
            column.shrink();
            let back: Vec<_> = (0..values.len()).map(|row| column.get(row)).collect();
            prop_assert_eq!(back, values);
        }
    }
}
