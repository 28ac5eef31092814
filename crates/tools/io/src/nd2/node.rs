//! The tree of named values that both generations of metadata hold.

use serde_json::{Map, Value, json};

/// One value, or a list of named ones.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Flag(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// Names may repeat or be empty; order is that of the file.
    List(Vec<(String, Node)>),
}

impl Node {
    /// The first child of this name.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.children().find(|(n, _)| *n == name).map(|(_, node)| node)
    }

    /// The node at the end of a path of names.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, name| node.get(name))
    }

    pub fn children(&self) -> impl Iterator<Item = (&str, &Node)> {
        let list = match self {
            Node::List(list) => list.as_slice(),
            _ => &[],
        };
        list.iter().map(|(name, node)| (name.as_str(), node))
    }

    /// A number, whatever its kind; `None` for anything else and for what is not finite.
    pub fn number(&self) -> Option<f64> {
        match self {
            Node::Flag(v) => Some(f64::from(u8::from(*v))),
            Node::Int(v) => Some(*v as f64),
            Node::Uint(v) => Some(*v as f64),
            Node::Float(v) => v.is_finite().then_some(*v),
            _ => None,
        }
    }

    pub fn count(&self) -> Option<u64> {
        match self {
            Node::Int(v) => u64::try_from(*v).ok(),
            Node::Uint(v) => Some(*v),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The child's number.
    pub fn number_of(&self, name: &str) -> Option<f64> {
        self.get(name)?.number()
    }

    /// The child's number, where it is above zero: Nikon writes 0 or -1 for unknown sizes.
    pub fn positive(&self, name: &str) -> Option<f64> {
        self.number_of(name).filter(|v| *v > 0.0)
    }

    pub fn count_of(&self, name: &str) -> Option<u64> {
        self.get(name)?.count()
    }

    /// Whether the child is a flag that is set; absent ones are not.
    pub fn flag(&self, name: &str) -> bool {
        self.number_of(name).is_some_and(|v| v != 0.0)
    }

    /// As JSON; names that repeat get a number, bytes become their count.
    pub fn to_json(&self) -> Value {
        match self {
            Node::Flag(v) => json!(v),
            Node::Int(v) => json!(v),
            Node::Uint(v) => json!(v),
            Node::Float(v) => json!(v),
            Node::Text(v) => json!(v),
            Node::Bytes(v) => json!({ "bytes": v }),
            Node::List(list) => {
                let mut map = Map::new();
                for (i, (name, node)) in list.iter().enumerate() {
                    let taken = name.is_empty() || map.contains_key(name);
                    let key = if taken { format!("{name}#{i}") } else { name.clone() };
                    map.insert(key, node.to_json());
                }
                Value::Object(map)
            }
        }
    }
}
