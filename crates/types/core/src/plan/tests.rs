#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::axes::Axes;
use crate::region::Region;

fn writes(shape: [u64; 5], unit: [u64; 5]) -> Writes {
    Writes { output: "out.zarr".to_owned(), shape, unit, bytes: Region::whole(shape).voxels() }
}

fn grid_stage(shape: [u64; 5], write: [u64; 5], unit: [u64; 5]) -> Stage {
    let grid = Grid { shape, write, halo: [0, 0, 1, 2, 3] };
    Stage::new("fuse", "blocks", &[], Blocks::Grid { grid, bytes: 9 }).writing(writes(shape, unit))
}

fn draft(stages: Vec<Stage>) -> Draft {
    Draft {
        command: "toy run".to_owned(),
        results_version: 2,
        parameters: json!({"blend": "linear", "sigma": 0.1, "threads": 4}),
        inputs: vec![],
        outputs: vec![],
        stages,
        work_bytes: 0,
    }
}

const BUDGET: Budget = Budget { memory: 4 << 30, threads: 2 };

#[test]
fn blocks_that_share_a_write_unit_are_refused_with_the_axis() {
    let stage = grid_stage([1, 1, 1, 96, 96], [1, 1, 1, 48, 48], [1, 1, 1, 64, 64]);
    assert_eq!(
        stage.check().unwrap_err().to_string(),
        "block 48,48 is not a multiple of the write unit 64,64 of out.zarr along y: two workers \
         would overwrite each other"
    );
}

#[test]
fn one_block_along_an_axis_needs_no_multiple() {
    let stage = grid_stage([1, 1, 1, 96, 96], [1, 1, 1, 64, 96], [1, 1, 1, 64, 64]);
    assert_eq!(stage.check(), Ok(()));
}

#[test]
fn listed_blocks_must_partition_the_output() {
    let shape = [1, 1, 1, 8, 8];
    let block = |id, start: [u64; 5], shape| {
        let write = Region::new(start, shape);
        Block { id, write, read: write, bytes: 1 }
    };
    let stage = |blocks| {
        Stage::new("s", "blocks", &[], Blocks::Listed(blocks))
            .writing(writes(shape, [1, 1, 1, 4, 4]))
    };
    let top = block(0, [0; 5], [1, 1, 1, 4, 8]);
    let bottom = block(1, [0, 0, 0, 4, 0], [1, 1, 1, 4, 8]);
    assert_eq!(stage(vec![top, bottom]).check(), Ok(()));
    let missing = stage(vec![top]).check().unwrap_err().to_string();
    assert!(missing.ends_with("they cover 32 of 64 voxels"), "{missing}");
    let twice = stage(vec![top, Block { id: 1, ..top }]).check().unwrap_err().to_string();
    assert!(twice.ends_with("blocks 0 and 1 overlap"), "{twice}");
    let half = block(1, [0, 0, 0, 4, 0], [1, 1, 1, 2, 8]);
    assert!(matches!(stage(vec![top, half]).check(), Err(PlanError::Misaligned { .. })));
}

#[test]
fn stages_are_put_in_order_and_circles_refused() {
    let a = Stage::one("a", &["b"], 1);
    let b = Stage::one("b", &[], 1);
    let plan = Plan::new(draft(vec![a.clone(), b.clone()]), &BUDGET).unwrap();
    assert_eq!(plan.stages.iter().map(|s| &*s.name).collect::<Vec<_>>(), ["b", "a"]);
    let circle = Stage::one("b", &["a"], 1);
    assert!(matches!(
        Plan::new(draft(vec![a.clone(), circle]), &BUDGET),
        Err(PlanError::BadOrder { .. })
    ));
    assert!(matches!(Plan::new(draft(vec![a]), &BUDGET), Err(PlanError::BadOrder { .. })));
    assert!(Plan::new(draft(vec![b.clone(), b]), &BUDGET).is_err());
}

#[test]
fn the_hash_ignores_threads_and_key_order_but_not_values() {
    let of = |parameters| PlanHash::of("a b", 1, &[], &parameters);
    let one = of(json!({"blend": "linear", "threads": 1, "max-failed": 3}));
    assert_eq!(one, of(json!({"threads": 8, "memory": "1GiB", "blend": "linear"})));
    assert_ne!(one, of(json!({"blend": "max"})));
    assert_ne!(one, PlanHash::of("a b", 2, &[], &json!({"blend": "linear"})));
    assert_eq!(
        hash::canonical(&json!({"b": {"y": 1, "x": [0.1, 1e300]}, "a": null})),
        r#"{"a":null,"b":{"x":[0.1,1e+300],"y":1}}"#
    );
}

#[test]
fn an_input_with_a_digest_may_be_touched_but_not_changed() {
    let stamp = |mtime_ns, digest: Option<&str>| InputStamp {
        path: "/a.json".into(),
        size_bytes: 3,
        mtime_ns,
        digest: digest.map(str::to_owned),
        format: None,
    };
    assert!(stamp(1, Some("x")).is_same(&stamp(2, Some("x"))));
    assert!(!stamp(1, Some("x")).is_same(&stamp(1, Some("y"))));
    assert!(!stamp(1, None).is_same(&stamp(2, None)));
}

#[test]
fn differences_are_listed_line_by_line() {
    let old = Plan::new(draft(vec![]), &BUDGET).unwrap();
    let mut changed = draft(vec![]);
    changed.parameters = json!({"blend": "max", "sigma": 0.1, "threads": 1});
    changed.inputs = vec![InputStamp {
        path: "/a.json".into(),
        size_bytes: 3,
        mtime_ns: 0,
        digest: None,
        format: None,
    }];
    let now = Plan::new(changed, &BUDGET).unwrap();
    let lines: Vec<String> = old.differences(&now).iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        ["blend: linear in the plan, max now", "/a.json: not an input of the plan, one now"]
    );
}

#[test]
fn a_plan_reads_back_equal_and_a_changed_one_is_refused() {
    let listed = Blocks::Listed(vec![Block {
        id: 0,
        write: Region::whole([1; 5]),
        read: Region::whole([1; 5]),
        bytes: 5,
    }]);
    let stages = vec![
        grid_stage([1, 1, 8, 90, 90], [1, 1, 8, 64, 64], [1, 1, 8, 64, 64]),
        Stage::new("pairs", "pairs", &["fuse"], listed),
        Stage::one("finish", &["pairs"], 7),
    ];
    let plan = Plan::new(draft(stages), &BUDGET).unwrap();
    let text = plan.to_json();
    assert_eq!(Plan::from_json(&text), Ok(plan));
    assert!(matches!(Plan::from_json(&text.replace("linear", "max")), Err(PlanError::NotAPlan(_))));
    assert!(matches!(Plan::from_json("{"), Err(PlanError::NotAPlan(_))));
}

#[test]
fn a_million_blocks_take_few_bytes() {
    let stage = grid_stage([1, 1, 100, 6400, 6400], [1, 1, 1, 64, 64], [1, 1, 1, 64, 64]);
    let plan = Plan::new(draft(vec![stage]), &BUDGET).unwrap();
    assert_eq!(plan.blocks(), 1_000_000);
    assert!(plan.to_json().len() < 2000);
}

#[test]
fn too_little_memory_names_a_size_that_suffices() {
    let unit = [1, 1, 128, 512, 512];
    let bytes = |w: [u64; 5]| w.iter().product::<u64>() * 42;
    let sizing = BlockSizing {
        shape: [1, 3, 256, 1024, 1024],
        unit,
        halo: [0; 5],
        bytes: &bytes,
        axes: Axes::parse("czyx").unwrap(),
        unit_name: "shard",
        unit_option: Some("--shard"),
    };
    let small = Budget { memory: 1 << 30, threads: 2 };
    let error = size_blocks(&sizing, &small).unwrap_err();
    assert_eq!(
        error.to_string(),
        "needs 1.3 GiB for one block of 1,128,512,512 (the shard); give --memory 2GiB or --shard \
         128,256,512"
    );
    let PlanError::TooLittleMemory { memory, .. } = error else { panic!("{error}") };
    assert!(size_blocks(&sizing, &Budget { memory, threads: 2 }).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn sized_blocks_give_each_write_unit_to_one_block(
        shape in prop::array::uniform5(1u64..24),
        unit in prop::array::uniform5(1u64..9),
        halo in prop::array::uniform5(0u64..5),
        threads in 1usize..5,
        scale in 1u64..(1 << 22),
        memory in (128u64 << 20)..(4 << 30),
    ) {
        let bytes = |w: [u64; 5]| w.iter().product::<u64>() * scale;
        let sizing = BlockSizing {
            shape, unit, halo, bytes: &bytes, axes: Axes::TCZYX, unit_name: "chunk",
            unit_option: None,
        };
        let budget = Budget { memory, threads };
        let Ok((grid, block_bytes)) = size_blocks(&sizing, &budget) else {
            let smallest: [u64; 5] = std::array::from_fn(|d| unit[d].min(shape[d]));
            prop_assert_eq!(budget.in_flight(bytes(smallest)), 0);
            return Ok(());
        };
        prop_assert!(budget.in_flight(block_bytes) >= 1);
        let stage = Stage::new("s", "blocks", &[], Blocks::Grid { grid, bytes: block_bytes })
            .writing(writes(shape, unit));
        prop_assert_eq!(stage.check(), Ok(()));
        let mut owners = std::collections::HashMap::new();
        let mut voxels = 0;
        for block in stage.blocks.iter() {
            voxels += block.write.voxels();
            prop_assert!(block.read.fits(shape));
            prop_assert_eq!(block.read.intersect(&block.write), Some(block.write));
            let first: [u64; 5] = std::array::from_fn(|d| block.write.start[d] / unit[d]);
            let end: [u64; 5] = std::array::from_fn(|d| block.write.end()[d].div_ceil(unit[d]));
            let count = std::array::from_fn(|d| end[d] - first[d]);
            for u in crate::region::grid(count, [1; 5]) {
                let at: [u64; 5] = std::array::from_fn(|d| first[d] + u.start[d]);
                prop_assert_eq!(owners.insert(at, block.id), None);
            }
        }
        prop_assert_eq!(voxels, Region::whole(shape).voxels());
    }

    #[test]
    fn misaligned_grids_are_refused(
        shape in prop::array::uniform5(1u64..60),
        write in prop::array::uniform5(1u64..20),
        unit in prop::array::uniform5(1u64..20),
    ) {
        let grid = Grid { shape, write, halo: [0; 5] };
        let stage = Stage::new("s", "blocks", &[], Blocks::Grid { grid, bytes: 1 })
            .writing(writes(shape, unit));
        let shared = (0..5).any(|d| write[d] < shape[d] && write[d] % unit[d] != 0);
        prop_assert_eq!(stage.check().is_err(), shared);
        let listed = Stage { blocks: Blocks::Listed(stage.blocks.iter().take(400).collect()), ..stage.clone() };
        if shared && stage.blocks.len() <= 400 {
            prop_assert!(listed.check().is_err());
        } else if stage.blocks.len() <= 400 {
            prop_assert_eq!(listed.check(), Ok(()));
        }
    }
}
