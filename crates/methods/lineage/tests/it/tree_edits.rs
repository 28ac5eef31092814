//! Scripts, logs, refusals, and the trees' other forms.

use hooke_lineage::tree::{
    CellFeatures, Edges, EditError, EditOp, LabelChange, Lineage, LogEntry, TreeOrder,
    apply_script, parse_script,
};

use crate::kit::tagged;

/// 1 lives in 0..=7, bears 2 in frame 2 and 3 in frame 5; 2 lives in 2..=4.
fn family() -> Lineage {
    let mut lineage = Lineage::new();
    let mut tags = (1..).map(|tag| tagged(tag as f32, false));
    let mut next = || tags.next().unwrap();
    lineage.create(0, next(), None).unwrap();
    (1..8).for_each(|_| lineage.extend(1, next()).unwrap());
    lineage.create(2, next(), Some(1)).unwrap();
    (3..5).for_each(|_| lineage.extend(2, next()).unwrap());
    lineage.create(5, next(), Some(1)).unwrap();
    lineage
}

#[test]
fn what_delta_lets_pass_is_refused() {
    let mut lineage = family();
    let born_with_mother = lineage.create(2, tagged(99.0, false), Some(2)).unwrap();
    let before = lineage.clone();
    let name = |op: EditOp, lineage: &mut Lineage| {
        let message = lineage.apply(op).unwrap_err().to_string();
        message.split(':').next().unwrap().to_owned()
    };
    assert_eq!(name(EditOp::Split(2, 2), &mut lineage), "CellAlreadyHasDaughter");
    assert_eq!(name(EditOp::Split(3, 5), &mut lineage), "CellWouldBeEmpty");
    assert_eq!(name(EditOp::Pivot(2), &mut lineage), "CellAlreadyHasDaughter");
    assert_eq!(name(EditOp::SwapPoles(1, None), &mut lineage), "CellAlreadyHasDaughter");
    assert_eq!(name(EditOp::Adopt(2, Some(born_with_mother)), &mut lineage), "LineageCycle");
    assert_eq!(name(EditOp::Adopt(3, Some(3)), &mut lineage), "LineageCycle");
    assert_eq!(name(EditOp::Merge(1, 1), &mut lineage), "OverlappingCells");
    assert_eq!(lineage, before);
    assert!(lineage.create(9, tagged(1.0, false), Some(1)).is_err());
    assert_eq!(lineage, before);
}

#[test]
fn cells_that_do_not_fit_are_no_lineage() {
    let cells = || family().iter().map(|(id, cell)| (id, cell.clone())).collect::<Vec<_>>();
    let refused = |cells| Lineage::from_cells(cells).is_err();
    assert!(!refused(cells()));
    let mut twice = cells();
    twice.push(twice[0].clone());
    assert!(refused(twice));
    let mut zero = cells();
    zero[0].0 = 0;
    assert!(refused(zero));
    let mut orphan = cells();
    orphan[1].1.mother = None;
    assert!(refused(orphan));
    let mut empty = cells();
    empty[2].1.features.clear();
    assert!(refused(empty));
    // Two cells that bear each other in one frame.
    let mut circle = cells();
    circle.truncate(2);
    circle[0].1 = circle[1].1.clone();
    circle[0].1.mother = Some(2);
    circle[0].1.daughters = vec![Some(2), None, None];
    circle[1].1.daughters = vec![Some(1), None, None];
    assert!(matches!(Lineage::from_cells(circle), Err(EditError::LineageCycle { .. })));
}

#[test]
fn a_script_is_read_with_its_comments_and_regions() {
    let text = "# first\nadopt 2 none # a daughter less\n\nroi 1\n  split 1 4\nswap_poles 1\nswap_poles 1 3\n";
    let script = parse_script(text, 0).unwrap();
    let read: Vec<_> = script.iter().map(|l| (l.line, l.roi, l.op)).collect();
    let wanted = [
        (2, 0, EditOp::Adopt(2, None)),
        (5, 1, EditOp::Split(1, 4)),
        (6, 1, EditOp::SwapPoles(1, None)),
        (7, 1, EditOp::SwapPoles(1, Some(3))),
    ];
    assert_eq!(read, wanted);
    for (text, message) in [
        ("pivot 1\nmerge 3", "2: merge 3: wanted: merge CELL INTO"),
        ("pivot -1", "1: pivot -1: '-1' is not a number"),
        ("pivot 99999999999", "1: pivot 99999999999: no cell can be 99999999999"),
        ("roi x", "1: roi x: 'x' is not a number"),
        ("merge none 1", "1: merge none 1: wanted: merge CELL INTO"),
    ] {
        assert_eq!(parse_script(text, 0).unwrap_err().to_string(), message);
    }
    assert!(parse_script("prune 1", 0).unwrap_err().to_string().contains("no operation"));
}

#[test]
fn a_script_is_applied_whole_or_not_at_all() {
    let mut rois = vec![family(), family()];
    let before = rois.clone();
    let script = parse_script("adopt 2 none\nroi 1\nsplit 1 4\npivot 3\nswap_poles 1\npivot 9", 0);
    let error = apply_script(&mut rois, &script.unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "6: pivot 9: CellDoesNotExist: there is no cell 9");
    assert_eq!(rois, before);
    let script = parse_script("roi 2\npivot 3", 0).unwrap();
    let error = apply_script(&mut rois, &script).unwrap_err();
    assert!(error.to_string().contains("no ROI 2"), "{error}");

    let script = parse_script("split 1 4\nroi 1\npivot 3", 0).unwrap();
    let done = apply_script(&mut rois, &script).unwrap();
    assert_eq!(done[0].edit.result, Some(4));
    assert_eq!(done[1].roi, 1);
    let change = |from, to, exchange, first_frame, last_frame| LabelChange {
        from,
        to,
        exchange,
        first_frame,
        last_frame,
    };
    assert_eq!(done[0].labels, [change(1, 4, false, 4, 7)]);
    assert_eq!(done[1].labels, [change(1, 3, true, 5, 7)]);
}

#[test]
fn a_log_is_written_as_the_contract_says_and_read_again() {
    let mut lineage = family();
    let (edit, _) = lineage.apply(EditOp::Split(1, 4)).unwrap();
    let entry = LogEntry { n: 1, time: "now".into(), roi: 0, edit };
    let text = serde_json::to_string(&entry).unwrap();
    assert_eq!(
        text,
        r#"{"n":1,"time":"now","roi":0,"op":"split","args":[1,4],"result":4,"inverse":[{"op":"merge","cell":4,"into":1}]}"#
    );
    assert_eq!(serde_json::from_str::<LogEntry>(&text).unwrap(), entry);
    let wrong = text.replace("\"split\"", "\"cut\"");
    assert!(serde_json::from_str::<LogEntry>(&wrong).is_err());
}

#[test]
fn trees_are_written_as_newick() {
    assert_eq!(family().newick(), "((1:3,3:1)1:3,2:3)1:2;\n");
    assert_eq!(Lineage::new().newick(), "");
}

#[test]
fn trees_are_placed_without_crossings() {
    let rows = |order| {
        let rows = family().tree_rows(order);
        rows.iter().map(|r| (r.cell, r.row, r.birth)).collect::<Vec<_>>()
    };
    let alternate = rows(TreeOrder::Alternate);
    assert_eq!(alternate, [(2, 0, Some((2, 1))), (1, 1, None), (3, 2, Some((5, 1)))]);
    // All daughters have larger tags, and lie lower.
    let by_pole = rows(TreeOrder::PoleY);
    assert_eq!(by_pole, [(1, 0, None), (3, 1, Some((5, 0))), (2, 2, Some((2, 0)))]);
}

#[test]
fn edges_are_written_in_their_order() {
    let edges: Edges = "+x-y".parse().unwrap();
    assert_eq!(edges.flags(), [false, true, true, false]);
    assert_eq!(edges.to_string(), "+x-y");
    assert_eq!("+y-x".parse::<Edges>().unwrap().to_string(), "-x+y");
    assert!("-".parse::<Edges>().is_err() && "é".parse::<Edges>().is_err());
    assert!(!Edges::default().any());
    assert_eq!(CellFeatures::at([0.0; 2], [1.0; 2]), CellFeatures::at([0.0; 2], [1.0; 2]));
}
