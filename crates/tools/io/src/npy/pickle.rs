//! Values of pickles, without running them.
//!
//! A pickle is a program that may call anything. Here its literals are read and its calls are not made: what
//! a call would give is unknown, but for the state it is given. That is enough for numpy's arrays of one
//! object, such as `None`.

/// A value.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    None,
    Mark,
    List(Vec<usize>),
    Tuple(Vec<usize>),
    /// What a call gives, with its state.
    Made(Option<usize>),
    /// A literal or a name.
    Other,
}

/// Whether the object of a pickled array without dimensions is `None`; nothing when the pickle is not
/// that of such an array.
pub(super) fn is_none(pickle: &[u8]) -> Option<bool> {
    let mut machine = Machine { bytes: pickle, nodes: Vec::new(), stack: Vec::new(), memo: vec![] };
    let array = machine.run()?;
    let nodes = &machine.nodes;
    let Some(Node::Made(Some(state))) = nodes.get(array) else { return None };
    // numpy's state: version, shape, type, order, elements.
    let Some(Node::Tuple(state)) = nodes.get(*state) else { return None };
    let [_, _, _, _, elements] = state.as_slice() else { return None };
    let Some(Node::List(elements)) = nodes.get(*elements) else { return None };
    let [one] = elements.as_slice() else { return None };
    Some(nodes.get(*one)? == &Node::None)
}

struct Machine<'a> {
    bytes: &'a [u8],
    nodes: Vec<Node>,
    stack: Vec<usize>,
    /// Memorised values by their number.
    memo: Vec<(u64, usize)>,
}

impl<'a> Machine<'a> {
    /// The value the pickle ends with.
    fn run(&mut self) -> Option<usize> {
        loop {
            match self.take(1)?[0] {
                b'.' => return self.stack.pop(),
                code => self.step(code)?,
            }
        }
    }

    fn step(&mut self, code: u8) -> Option<()> {
        match code {
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'(' => self.push(Node::Mark),
            b'0' => drop(self.stack.pop()?),
            b'1' => drop(self.above_mark()?),
            b'2' => self.stack.push(*self.stack.last()?),
            b'N' => self.push(Node::None),
            0x88 | 0x89 => self.push(Node::Other),
            // Numbers, texts and names: as a line, of fixed length, or behind their length.
            b'F' | b'I' | b'L' | b'S' | b'V' => self.lines(1)?,
            b'c' => self.lines(2)?,
            b'K' => self.skip(1)?,
            b'M' => self.skip(2)?,
            b'J' => self.skip(4)?,
            b'G' => self.skip(8)?,
            0x8a | b'U' | b'C' | 0x8c => self.counted(1)?,
            0x8b | b'T' | b'B' | b'X' => self.counted(4)?,
            0x8d | 0x8e => self.counted(8)?,
            0x93 => self.replace(2, Node::Other)?,
            b']' => self.push(Node::List(vec![])),
            b')' => self.push(Node::Tuple(vec![])),
            b'}' => self.push(Node::Other),
            b'l' => self.gather(Node::List)?,
            b't' => self.gather(Node::Tuple)?,
            b'd' => self.gather(|_| Node::Other)?,
            0x85..=0x87 => {
                let at = self.stack.len().checked_sub(usize::from(code - 0x84))?;
                let items = self.stack.split_off(at);
                self.push(Node::Tuple(items));
            }
            b'a' => {
                let item = self.stack.pop()?;
                self.append(vec![item])?;
            }
            b'e' => {
                let items = self.above_mark()?;
                self.append(items)?;
            }
            b's' => drop((self.stack.pop()?, self.stack.pop()?)),
            b'u' => drop(self.above_mark()?),
            // A call, or a new object, of something with arguments.
            b'R' | 0x81 => self.replace(2, Node::Made(None))?,
            b'b' => {
                let state = self.stack.pop()?;
                let made = self.nodes.get_mut(*self.stack.last()?)?;
                *made = Node::Made(Some(state));
            }
            b'p' => {
                let number = self.line_number()?;
                self.keep(number)?;
            }
            b'q' => {
                let number = self.number(1)?;
                self.keep(number)?;
            }
            b'r' => {
                let number = self.number(4)?;
                self.keep(number)?;
            }
            0x94 => self.keep(self.memo.len() as u64)?,
            b'g' => {
                let number = self.line_number()?;
                self.recall(number)?;
            }
            b'h' => {
                let number = self.number(1)?;
                self.recall(number)?;
            }
            b'j' => {
                let number = self.number(4)?;
                self.recall(number)?;
            }
            _ => return None,
        }
        Some(())
    }

    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(n)?;
        self.bytes = rest;
        Some(taken)
    }

    fn line(&mut self) -> Option<&'a [u8]> {
        let end = self.bytes.iter().position(|b| *b == b'\n')?;
        let line = self.take(end + 1)?;
        line.get(..end)
    }

    fn line_number(&mut self) -> Option<u64> {
        std::str::from_utf8(self.line()?).ok()?.parse().ok()
    }

    fn number(&mut self, bytes: usize) -> Option<u64> {
        let mut wide = [0; 8];
        wide.get_mut(..bytes)?.copy_from_slice(self.take(bytes)?);
        Some(u64::from_le_bytes(wide))
    }

    fn push(&mut self, node: Node) {
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
    }

    fn lines(&mut self, count: usize) -> Option<()> {
        for _ in 0..count {
            self.line()?;
        }
        self.push(Node::Other);
        Some(())
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.take(bytes)?;
        self.push(Node::Other);
        Some(())
    }

    fn counted(&mut self, width: usize) -> Option<()> {
        let length = usize::try_from(self.number(width)?).ok()?;
        self.skip(length)
    }

    /// Replaces the last `count` values by one.
    fn replace(&mut self, count: usize, node: Node) -> Option<()> {
        self.stack.truncate(self.stack.len().checked_sub(count)?);
        self.push(node);
        Some(())
    }

    /// Takes the values above the last mark, and the mark.
    fn above_mark(&mut self) -> Option<Vec<usize>> {
        let is_mark = |i: &usize| self.nodes.get(*i) == Some(&Node::Mark);
        let at = self.stack.iter().rposition(is_mark)?;
        let items = self.stack.split_off(at + 1);
        self.stack.pop();
        Some(items)
    }

    fn gather(&mut self, node: impl Fn(Vec<usize>) -> Node) -> Option<()> {
        let items = self.above_mark()?;
        self.push(node(items));
        Some(())
    }

    fn append(&mut self, items: Vec<usize>) -> Option<()> {
        if let Node::List(list) = self.nodes.get_mut(*self.stack.last()?)? {
            list.extend(items);
        }
        Some(())
    }

    fn keep(&mut self, number: u64) -> Option<()> {
        self.memo.push((number, *self.stack.last()?));
        Some(())
    }

    fn recall(&mut self, number: u64) -> Option<()> {
        let kept = self.memo.iter().rev().find(|(n, _)| *n == number)?.1;
        self.stack.push(kept);
        Some(())
    }
}

/// The pickle of an array without dimensions that holds `None`, as every numpy reads it.
pub(crate) fn none_array() -> Vec<u8> {
    let mut out = b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n".to_vec();
    // _reconstruct(ndarray, (0,), b"b")
    out.extend(b"K\x00\x85C\x01b\x87R");
    // State: version 1, shape (), dtype("O8", False, True) with its own state, C order, [None].
    out.extend(b"(K\x01)cnumpy\ndtype\nX\x02\x00\x00\x00O8\x89\x88\x87R");
    out.extend(b"(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3ftb");
    out.extend(b"\x89]Natb.");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_told_from_other_objects_and_from_damage() {
        let none = none_array();
        assert_eq!(is_none(&none), Some(true));
        let at = none.len() - 5;
        let mut list = none.clone();
        assert_eq!(list[at], b'N');
        list[at] = b']';
        assert_eq!(is_none(&list), Some(false));
        for cut in 0..none.len() {
            assert_eq!(is_none(&none[..cut]), None, "{cut}");
        }
        // A call is not made, whatever it names.
        assert_eq!(is_none(b"cos\nsystem\n(S'true'\ntR."), None);
        assert_eq!(is_none(b"(((((.e"), None);
    }

    #[test]
    fn any_bytes_end() {
        let mut state = 1u64;
        for _ in 0..2000 {
            let mut bytes = none_array();
            for _ in 0..3 {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let at = (state >> 33) as usize % bytes.len();
                bytes[at] = (state >> 20) as u8;
            }
            let _ = is_none(&bytes);
        }
    }
}
