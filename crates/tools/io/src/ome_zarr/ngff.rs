//! OME-NGFF metadata, as files have it: versions 0.1 to 0.5, with their liberties.

use std::collections::BTreeSet;

use hooke_core::{Axis, Channel};
use serde_json::{Map, Value};

use crate::units;

/// A pyramid of arrays.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Multiscale {
    /// NGFF version, e.g. `0.5`.
    pub version: Option<String>,
    pub name: Option<String>,
    /// One entry per stored dimension; `None` before version 0.3, where axes had no names.
    pub axes: Option<Vec<NgffAxis>>,
    /// The levels, largest first.
    pub datasets: Vec<NgffDataset>,
}

/// One stored dimension.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NgffAxis {
    pub axis: Axis,
    /// The unit as written; empty where there is none.
    pub unit: String,
}

/// One level: stored index to units is `scale * index + translation`, per dimension.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NgffDataset {
    pub path: String,
    pub scale: Option<Vec<f64>>,
    pub translation: Option<Vec<f64>>,
}

impl NgffAxis {
    /// Micrometres (or seconds, for time) per unit; `None` where the unit is absent or unknown.
    pub fn unit_size(&self) -> Option<f64> {
        match self.axis {
            Axis::T => units::seconds(&self.unit),
            Axis::C => None,
            _ => units::micrometres(&self.unit),
        }
    }
}

/// The attributes NGFF uses: under `ome` since 0.5, at the top before.
pub(super) fn ome(attributes: &Map<String, Value>) -> &Map<String, Value> {
    attributes.get("ome").and_then(Value::as_object).unwrap_or(attributes)
}

/// Reads the first pyramid of a group, or `None` when it has none.
///
/// # Errors
/// Which item is not what NGFF prescribes.
pub(super) fn multiscale(attributes: &Map<String, Value>) -> Result<Option<Multiscale>, String> {
    let ome = ome(attributes);
    let Some(list) = ome.get("multiscales") else { return Ok(None) };
    let first = list
        .as_array()
        .and_then(|l| l.first())
        .and_then(Value::as_object)
        .ok_or("`multiscales` is not a list with an object in it")?;
    let text = |v: Option<&Value>| v.and_then(Value::as_str).map(str::to_owned);
    let axes = match first.get("axes") {
        None | Some(Value::Null) => None,
        Some(axes) => Some(read_axes(axes)?),
    };
    let dimensions = axes.as_ref().map(Vec::len);
    let outer = Transform::read(first.get("coordinateTransformations"), dimensions)?;
    let datasets = first
        .get("datasets")
        .and_then(Value::as_array)
        .filter(|d| !d.is_empty())
        .ok_or("`datasets` is not a list with levels in it")?
        .iter()
        .map(|d| read_dataset(d, dimensions, &outer))
        .collect::<Result<_, _>>()?;
    let version = text(ome.get("version")).or_else(|| text(first.get("version")));
    Ok(Some(Multiscale { version, name: text(first.get("name")), axes, datasets }))
}

fn read_axes(list: &Value) -> Result<Vec<NgffAxis>, String> {
    let list = list.as_array().ok_or("`axes` is not a list")?;
    let mut seen = BTreeSet::new();
    list.iter()
        .map(|entry| {
            // Version 0.3 has plain names.
            let name = entry.as_str().or_else(|| entry["name"].as_str()).unwrap_or_default();
            let letter = match (entry["type"].as_str(), name) {
                (Some("time"), _) => Some(Axis::T),
                (Some("channel"), _) => Some(Axis::C),
                (_, name) => single(name).and_then(Axis::from_letter),
            };
            let axis = letter.ok_or_else(|| {
                format!("axis `{name}` is none of t, c, z, y, x; say what it is with --axes")
            })?;
            if !seen.insert(axis) {
                return Err(format!("axis `{axis}` appears twice"));
            }
            let unit = entry["unit"].as_str().unwrap_or_default().trim().to_owned();
            Ok(NgffAxis { axis, unit })
        })
        .collect()
}

fn single(name: &str) -> Option<char> {
    let mut letters = name.chars();
    letters.next().filter(|_| letters.next().is_none())
}

fn read_dataset(
    dataset: &Value,
    dimensions: Option<usize>,
    outer: &Transform,
) -> Result<NgffDataset, String> {
    let path = dataset["path"].as_str().ok_or("a level without `path`")?;
    let path = inside(path).ok_or_else(|| format!("level `{path}` lies outside the image"))?;
    let inner = Transform::read(dataset.get("coordinateTransformations"), dimensions)
        .map_err(|e| format!("level `{path}`: {e}"))?;
    let total = inner.then(outer).map_err(|e| format!("level `{path}`: {e}"))?;
    Ok(NgffDataset { path, scale: total.scale, translation: total.translation })
}

/// A path inside the container, without `.` and empty parts; `None` when it leads out of it.
pub(super) fn inside(path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains(['\\', '\0']) {
        return None;
    }
    let parts: Vec<_> = path.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
    (!parts.contains(&"..")).then(|| parts.join("/"))
}

/// `scale * index + translation`; `None` is the identity.
#[derive(Debug, Clone, Default, PartialEq)]
struct Transform {
    scale: Option<Vec<f64>>,
    translation: Option<Vec<f64>>,
}

impl Transform {
    /// Reads a list of transformations, applied in the order they stand.
    fn read(list: Option<&Value>, dimensions: Option<usize>) -> Result<Transform, String> {
        let list = match list {
            None | Some(Value::Null) => return Ok(Transform::default()),
            Some(list) => list.as_array().ok_or("`coordinateTransformations` is not a list")?,
        };
        let mut total = Transform::default();
        for entry in list {
            let step = match entry["type"].as_str() {
                Some("identity") => Transform::default(),
                Some("scale") => {
                    let scale = numbers(&entry["scale"], "scale", dimensions)?;
                    if let Some(bad) = scale.iter().find(|s| s.is_nan() || **s <= 0.0) {
                        return Err(format!("a scale of {bad} is not positive"));
                    }
                    Transform { scale: Some(scale), translation: None }
                }
                Some("translation") => {
                    let by = numbers(&entry["translation"], "translation", dimensions)?;
                    Transform { scale: None, translation: Some(by) }
                }
                other => {
                    return Err(format!(
                        "transformation {} is not read",
                        other.unwrap_or("without type")
                    ));
                }
            };
            total = total.then(&step)?;
        }
        Ok(total)
    }

    /// This transformation, then another.
    fn then(&self, next: &Transform) -> Result<Transform, String> {
        let apply =
            |a: &Option<Vec<f64>>, b: &Option<Vec<f64>>, f: fn(f64, f64) -> f64| match (a, b) {
                (None, b) => Ok(b.clone()),
                (a, None) => Ok(a.clone()),
                (Some(a), Some(b)) if a.len() == b.len() => {
                    Ok(Some(a.iter().zip(b).map(|(a, b)| f(*a, *b)).collect()))
                }
                _ => Err("transformations of different dimensions".to_owned()),
            };
        let moved = match (&self.translation, &next.scale) {
            (Some(_), Some(_)) => apply(&self.translation, &next.scale, |t, s| t * s)?,
            (translation, _) => translation.clone(),
        };
        Ok(Transform {
            scale: apply(&self.scale, &next.scale, |a, b| a * b)?,
            translation: apply(&moved, &next.translation, |a, b| a + b)?,
        })
    }
}

fn numbers(list: &Value, name: &str, dimensions: Option<usize>) -> Result<Vec<f64>, String> {
    let list = list.as_array().ok_or_else(|| format!("`{name}` is not a list of numbers"))?;
    let numbers: Option<Vec<f64>> =
        list.iter().map(|v| v.as_f64().filter(|v| v.is_finite())).collect();
    let numbers = numbers.ok_or_else(|| format!("`{name}` is not a list of numbers"))?;
    match dimensions {
        Some(n) if n != numbers.len() => {
            Err(format!("`{name}` has {} numbers for {n} axes", numbers.len()))
        }
        _ => Ok(numbers),
    }
}

/// The channels `omero` names, or none.
pub(super) fn channels(attributes: &Map<String, Value>) -> Vec<Channel> {
    let list = ome(attributes).get("omero").map(|o| &o["channels"]).and_then(Value::as_array);
    let text = |v: &Value| v.as_str().map(str::to_owned);
    list.into_iter()
        .flatten()
        .map(|c| Channel {
            name: text(&c["label"]),
            color: c["color"].as_str().and_then(color),
            excitation_nm: c["excitationWave"].as_f64(),
            emission_nm: c["emissionWave"].as_f64(),
        })
        .collect()
}

fn color(text: &str) -> Option<String> {
    let hex = text.trim_start_matches('#');
    let valid = hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit());
    valid.then(|| format!("#{}", hex.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<Option<Multiscale>, String> {
        multiscale(value.as_object().unwrap())
    }

    fn image(transformations: Value, outer: Value) -> Value {
        json!({"multiscales": [{
            "axes": [{"name": "y", "type": "space", "unit": " "}, {"name": "x", "type": "space"}],
            "datasets": [{"path": "0", "coordinateTransformations": transformations}],
            "coordinateTransformations": outer,
        }]})
    }

    #[test]
    fn transformations_apply_in_order_and_the_outer_ones_last() {
        let scale = json!({"type": "scale", "scale": [2.0, 4.0]});
        let shift = json!({"type": "translation", "translation": [1.0, 10.0]});
        let outer = json!([{"type": "scale", "scale": [10.0, 10.0]}]);
        let m = read(image(json!([scale, shift]), outer)).unwrap().unwrap();
        assert_eq!(m.datasets[0].scale, Some(vec![20.0, 40.0]));
        assert_eq!(m.datasets[0].translation, Some(vec![10.0, 100.0]));
        // A translation that stands before the scale is scaled.
        let m = read(image(json!([shift, scale]), Value::Null)).unwrap().unwrap();
        assert_eq!(m.datasets[0].translation, Some(vec![2.0, 40.0]));
        assert_eq!(m.axes.unwrap()[0].unit_size(), None);
    }

    #[test]
    fn contradictions_are_named() {
        for (transformations, words) in [
            (json!([{"type": "scale", "scale": [1.0]}]), "1 numbers for 2 axes"),
            (json!([{"type": "scale", "scale": [1.0, -1.0]}]), "not positive"),
            (json!([{"type": "affine"}]), "affine"),
            (json!(3), "not a list"),
        ] {
            let error = read(image(transformations, Value::Null)).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        let twice = json!({"multiscales": [{"axes": ["x", "x"], "datasets": [{"path": "0"}]}]});
        assert!(read(twice).unwrap_err().contains("twice"));
        let outside = json!({"multiscales": [{"datasets": [{"path": "../0"}]}]});
        assert!(read(outside).unwrap_err().contains("outside"));
    }

    #[test]
    fn names_without_types_and_axes_without_names_are_read() {
        let m = read(
            json!({"multiscales": [{"version": "0.3", "axes": ["z", "y", "x"], "datasets": [{"path": "0"}]}]}),
        );
        assert_eq!(m.unwrap().unwrap().axes.unwrap().len(), 3);
        let m = read(json!({"multiscales": [{"version": "0.1", "datasets": [{"path": "0"}]}]}))
            .unwrap()
            .unwrap();
        assert_eq!((m.axes, m.version.as_deref()), (None, Some("0.1")));
        assert_eq!(read(json!({"other": 1})), Ok(None));
    }

    #[test]
    fn colours_are_written_one_way() {
        assert_eq!(color("00ff7f").as_deref(), Some("#00FF7F"));
        assert_eq!(color("#00FF7F").as_deref(), Some("#00FF7F"));
        assert_eq!(color("red"), None);
    }
}
