//! A lineage drawn with characters, and written as Newick.

use std::fmt::Write;

use super::{CellId, Lineage};

/// Under a division whose daughter is still to be drawn.
const RUNNING: char = '│';

impl Lineage {
    /// Draws one line per cell and one column per frame, from frame 0.
    ///
    /// Trees come by the first frame of their root, the descendants of a cell depth first, her latest daughter first.
    pub fn diagram(&self) -> String {
        let width = self.frames().end;
        let mut text = format!("frames    : {}", ".".repeat(width));
        let mut marks = vec![' '; width];
        let mut open: Vec<CellId> = self.roots().into_iter().rev().collect();
        while let Some(id) = open.pop() {
            let row = self.diagram_row(id, &mut marks);
            write!(text, "\ncell #{id:04}: {}", row.trim_end()).expect("text can be written to");
            // Births run in order of time; what is pushed last is drawn next.
            open.extend(self.cells[&id].births().map(|(_, daughter)| daughter));
        }
        text
    }

    fn diagram_row(&self, id: CellId, marks: &mut [char]) -> String {
        let cell = &self.cells[&id];
        let draw = |(frame, mark): (usize, &mut char)| {
            let Some(index) = cell.index(frame) else { return *mark };
            let is_first = index == 0;
            if is_first && cell.mother.is_some() {
                *mark = ' ';
            }
            if cell.daughters[index].is_some() {
                *mark = RUNNING;
                return if is_first { '┍' } else { '┮' };
            }
            match (is_first, cell.mother) {
                (false, _) => '╼',
                (true, Some(_)) => '┕',
                (true, None) => '╺',
            }
        };
        marks.iter_mut().enumerate().map(draw).collect()
    }

    /// Writes each tree as one line of Newick: a leaf is the end of a cell, an inner node a division named by
    /// the mother, and a length counts frames.
    pub fn newick(&self) -> String {
        let mut text = String::new();
        for root in self.roots() {
            self.newick_tree(root, &mut text);
            text.push_str(";\n");
        }
        text
    }

    fn newick_tree(&self, root: CellId, text: &mut String) {
        enum Step {
            /// A cell from a frame on, her first `skip` daughters already written.
            Branch {
                cell: CellId,
                from: usize,
                skip: usize,
            },
            Text(String),
        }
        let mut open =
            vec![Step::Branch { cell: root, from: self.cells[&root].first_frame, skip: 0 }];
        while let Some(step) = open.pop() {
            let (id, from, skip) = match step {
                Step::Text(part) => {
                    text.push_str(&part);
                    continue;
                }
                Step::Branch { cell, from, skip } => (cell, from, skip),
            };
            let cell = &self.cells[&id];
            match cell.births().nth(skip) {
                None => {
                    write!(text, "{id}:{}", cell.last_frame() + 1 - from)
                        .expect("text can be written to");
                }
                Some((born, daughter)) => {
                    text.push('(');
                    open.push(Step::Text(format!("){id}:{}", born - from)));
                    open.push(Step::Branch { cell: daughter, from: born, skip: 0 });
                    open.push(Step::Text(",".into()));
                    open.push(Step::Branch { cell: id, from: born, skip: skip + 1 });
                }
            }
        }
    }
}
