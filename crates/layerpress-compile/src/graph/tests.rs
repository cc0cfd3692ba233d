//! The walk over graphs of any shape.

use proptest::prelude::*;

use super::*;

const ALL: WalkOptions = WalkOptions {
    depth: usize::MAX,
    askers: usize::MAX,
};

fn need(name: &str, to: usize) -> Need {
    Need {
        name: name.to_owned(),
        to: Some(to),
        ..Need::default()
    }
}

/// A graph of packages `p0`, `p1` and so on; `asked` and each of `needs` are their numbers.
fn graph(asked: &[usize], needs: &[Vec<usize>]) -> Graph {
    let name = |index: usize| format!("p{index:03}");
    let to = |index: &usize| need(&name(*index), *index);
    let package = |(index, needs): (usize, &Vec<usize>)| GraphPackage {
        name: name(index),
        needs: needs.iter().map(to).collect(),
        ..GraphPackage::default()
    };
    let graph = Graph {
        ecosystem: Ecosystem::Node,
        root: "root".to_owned(),
        is_layer: false,
        runtime: None,
        arch: None,
        made_for: Default::default(),
        asked: asked.iter().map(to).collect(),
        packages: needs.iter().enumerate().map(package).collect(),
    };
    graph.finished()
}

fn drawn(graph: &Graph, options: &WalkOptions) -> Vec<String> {
    let row = |row: Row<Needed<'_>>| {
        let end = match (row.what.is_repeated, row.what.is_cut) {
            (true, _) => " (*)",
            (_, true) => " ...",
            _ => "",
        };
        format!("{}{}{end}", " ".repeat(row.depth), row.what.need.name)
    };
    graph.tree(options).into_iter().map(row).collect()
}

#[test]
fn what_was_shown_is_not_shown_again() {
    let graph = graph(&[0, 1], &[vec![1, 2], vec![2], vec![3], vec![]]);
    assert_eq!(
        drawn(&graph, &ALL),
        [
            "p000",
            " p001",
            "  p002",
            "   p003",
            " p002 (*)",
            "p001 (*)"
        ]
    );
    let shallow = WalkOptions { depth: 2, ..ALL };
    assert_eq!(
        drawn(&graph, &shallow),
        ["p000", " p001 ...", " p002 ...", "p001", " p002 ..."]
    );
}

#[test]
fn a_circle_that_nothing_leads_to_is_asked_for_once() {
    let graph = graph(&[], &[vec![1], vec![0], vec![3, 2], vec![]]);
    assert_eq!(
        drawn(&graph, &ALL),
        ["p000", " p001", "  p000 (*)", "p002", " p003"]
    );
}

#[test]
fn the_nearest_asker_comes_first_and_the_rest_is_counted() {
    let graph = graph(&[0, 3], &[vec![1], vec![2], vec![4], vec![4], vec![]]);
    let told = |options: &WalkOptions| -> Vec<String> {
        let why = graph.why(&[4], options).remove(0);
        let row = |row: &Row<Asker<'_>>| {
            let what = match &row.what {
                Asker::Root { .. } => "root".to_owned(),
                Asker::Package { index, .. } => graph.packages[*index].name.clone(),
                Asker::More(more) => format!("{more} more"),
            };
            format!("{}{what}", " ".repeat(row.depth))
        };
        why.rows.iter().map(row).collect()
    };
    assert_eq!(
        told(&ALL),
        ["p003", " root", "p002", " p001", "  p000", "   root"]
    );
    let ways: Vec<_> = graph.ways(4).into_iter().map(|way| way.packages).collect();
    assert_eq!(ways, [vec![3], vec![0, 1, 2]]);

    let crowd: Vec<Vec<usize>> = (0..6).map(|_| vec![6]).chain([vec![]]).collect();
    let crowd = self::graph(&[0, 1, 2, 3, 4, 5], &crowd);
    let few = WalkOptions { askers: 2, ..ALL };
    let rows = crowd.why(&[6], &few).remove(0).rows;
    assert_eq!(rows.last().map(|row| &row.what), Some(&Asker::More(4)));
    let all_but_one = WalkOptions { askers: 5, ..ALL };
    let rows = crowd.why(&[6], &all_but_one).remove(0).rows;
    assert_eq!(rows.len(), 12, "one more is as well shown");
}

#[test]
fn one_need_that_is_told_twice_is_one() {
    let mut twice = graph(&[0], &[vec![1, 1], vec![]]);
    let needs = &mut twice.packages[0].needs;
    needs.push(needs[0].clone());
    needs[0].requirement = Some(">=1".to_owned());
    needs[0].extras = vec!["x".to_owned()];
    needs[0].kind = NeedKind::Extra("y".to_owned());
    needs[1].requirement = Some("<3".to_owned());
    let merged = twice.finished();
    let [need] = &merged.packages[0].needs[..] else {
        panic!("{:?}", merged.packages[0].needs);
    };
    assert_eq!(need.requirement.as_deref(), Some(">=1,<3"));
    assert_eq!(
        (&need.extras[..], &need.kind),
        (&["x".to_owned()][..], &NeedKind::Required)
    );
}

#[test]
fn a_long_chain_needs_no_stack() {
    let count = 100_000;
    let needs: Vec<Vec<usize>> = (0..count).map(|at| vec![(at + 1) % count]).collect();
    let graph = graph(&[0], &needs);
    assert_eq!(graph.tree(&ALL).len(), count + 1);
    assert_eq!(graph.why(&[count - 1], &ALL)[0].rows.len(), count + 1);
    assert_eq!(graph.ways(count - 1)[0].packages.len(), count - 1);
}

#[test]
fn names_that_are_near_are_told() {
    let mut graph = graph(&[], &[vec![], vec![], vec![]]);
    for (package, name) in graph
        .packages
        .iter_mut()
        .zip(["urllib3", "requests", "six"])
    {
        package.name = name.to_owned();
    }
    let near = |name: &str| nearest(std::slice::from_ref(&graph), name).join(" ");
    assert_eq!(near("urlib"), "urllib3");
    assert_eq!(near("Request"), "requests");
    assert_eq!(near("lib"), "urllib3");
    assert_eq!(near("sax"), "six");
    assert_eq!(near("numpy"), "");
}

fn any_graph() -> impl Strategy<Value = Graph> {
    (1usize..12).prop_flat_map(|count| {
        let some = || prop::collection::vec(0..count, 0..5);
        (some(), prop::collection::vec(some(), count))
            .prop_map(|(asked, needs)| graph(&asked, &needs))
    })
}

proptest! {
    #[test]
    fn every_package_is_shown_and_opened_once(graph in any_graph()) {
        let rows = graph.tree(&ALL);
        let needs: usize = graph.packages.iter().map(|it| it.needs.len()).sum();
        prop_assert_eq!(rows.len(), graph.asked.len() + needs);
        for index in 0..graph.packages.len() {
            let of = rows.iter().filter(|row| row.what.need.to == Some(index));
            let has_needs = !graph.packages[index].needs.is_empty();
            let open = of.filter(|row| !row.what.is_repeated).count();
            prop_assert!(open > 0 && (open == 1 || !has_needs), "{}", open);
        }
    }

    #[test]
    fn every_way_leads_from_the_root_to_the_package(graph in any_graph()) {
        for (index, distance) in graph.distances().into_iter().enumerate() {
            let ways = graph.ways(index);
            prop_assert_eq!(distance, ways.first().map(|way| way.packages.len() + 1));
            for way in &ways {
                let mut needs = &graph.asked;
                for &at in way.packages.iter().chain([&index]) {
                    prop_assert!(needs.iter().any(|need| need.to == Some(at)));
                    needs = &graph.packages[at].needs;
                }
            }
            let rows = graph.why(&[index], &ALL).remove(0).rows;
            let askers = rows.iter().filter(|row| row.depth == 0).count();
            prop_assert_eq!(askers, ways.len());
        }
    }

    #[test]
    fn no_level_below_the_last_is_shown(graph in any_graph(), depth in 0usize..4) {
        let options = WalkOptions { depth, askers: 1 };
        prop_assert!(graph.tree(&options).iter().all(|row| row.depth < depth));
        let all: Vec<usize> = (0..graph.packages.len()).collect();
        for why in graph.why(&all, &options) {
            prop_assert!(why.rows.iter().all(|row| row.depth < depth));
        }
    }
}
