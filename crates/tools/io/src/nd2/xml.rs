//! The XML metadata of version 2: elements with a type and a value.

use roxmltree::{Document, Node as Element, ParsingOptions};

use super::node::Node;

/// Deepest nesting that is followed.
const MOST_LEVELS: usize = 64;

/// Parses a chunk of metadata; the error says what is wrong.
pub(super) fn parse(text: &str) -> Result<Node, String> {
    let options = ParsingOptions { nodes_limit: 4 << 20, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|e| e.to_string())?;
    list(document.root_element(), 0)
}

fn list(element: Element<'_, '_>, level: usize) -> Result<Node, String> {
    if level > MOST_LEVELS {
        return Err(format!("metadata nested deeper than {MOST_LEVELS}"));
    }
    let mut children = Vec::new();
    for child in element.children().filter(Element::is_element) {
        // Version 3 has the same lists without names.
        let name = child.tag_name().name();
        let name = if name == "no_name" { "" } else { name };
        children.push((name.to_owned(), value(child, level)?));
    }
    Ok(Node::List(children))
}

fn value(element: Element<'_, '_>, level: usize) -> Result<Node, String> {
    let Some(text) = element.attribute("value") else { return list(element, level + 1) };
    let kind = element.attribute("runtype").unwrap_or_default();
    let wrong = || format!("{}: {text:?} is no {kind}", element.tag_name().name());
    Ok(match kind {
        "bool" => Node::Flag(matches!(text, "true" | "1")),
        "lx_int32" | "lx_int64" | "int" => Node::Int(text.trim().parse().map_err(|_| wrong())?),
        "lx_uint32" | "lx_uint64" | "unknown" => {
            Node::Uint(text.trim().parse().map_err(|_| wrong())?)
        }
        "double" | "float" => Node::Float(text.trim().parse().map_err(|_| wrong())?),
        _ => Node::Text(text.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn elements_become_the_same_tree_as_binary_records() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
            <variant version="1.0"><no_name runtype="CLxListVariant">
              <uiWidth runtype="lx_uint32" value="512"/>
              <dCalibration runtype="double" value="0.25"/>
              <bCalibrated runtype="bool" value="true"/>
              <sName runtype="CLxStringW" value="Plan &#955;"/>
              <Points runtype="CLxListVariant"><no_name><x runtype="lx_int32" value="-3"/></no_name></Points>
            </no_name></variant>"#;
        let tree = parse(text).unwrap();
        let top = tree.get("").unwrap();
        assert_eq!(top.count_of("uiWidth"), Some(512));
        assert_eq!(top.number_of("dCalibration"), Some(0.25));
        assert!(top.flag("bCalibrated"));
        assert_eq!(top.get("sName").unwrap().text(), Some("Plan λ"));
        assert_eq!(top.at(&["Points", "", "x"]), Some(&Node::Int(-3)));
        assert!(parse("<a><b value='x' runtype='double'/></a>").is_err());
        assert!(parse("<a").is_err());
    }
}
