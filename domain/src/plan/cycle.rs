//! Detection of cycles in dependencies. The petgraph library finds strongly connected components; this module picks
//! one readable cycle from them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// Finds one cycle among the edges `(from, to)` and returns its keys in order, with the first repeated at the end.
/// `None` if there is no cycle.
///
/// `a -> b -> a` means that a depends on b, which depends on a. A key that depends on itself is the cycle `a -> a`.
pub fn find_cycle<'a>(edges: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Vec<String>> {
    let mut graph = DiGraph::<&str, ()>::new();
    let mut nodes: BTreeMap<&str, NodeIndex> = BTreeMap::new();
    for (from, to) in edges {
        let from = *nodes.entry(from).or_insert_with(|| graph.add_node(from));
        let to = *nodes.entry(to).or_insert_with(|| graph.add_node(to));
        graph.update_edge(from, to, ());
    }
    let knot = tarjan_scc(&graph).into_iter().find(|component| match component.as_slice() {
        [only] => graph.contains_edge(*only, *only),
        _ => true,
    })?;
    let start = knot.iter().copied().min_by_key(|node| graph[*node])?;
    Some(walk_round(&graph, &knot, start).into_iter().map(|node| graph[node].to_owned()).collect())
}

/// Returns the shortest path from `start` back to itself inside a strongly connected component, breadth first.
fn walk_round(graph: &DiGraph<&str, ()>, knot: &[NodeIndex], start: NodeIndex) -> Vec<NodeIndex> {
    let mut came_from: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for next in graph.neighbors(node).filter(|next| knot.contains(next)) {
            if next == start {
                let mut way = vec![start, node];
                let mut at = node;
                while let Some(previous) = came_from.get(&at) {
                    way.push(*previous);
                    at = *previous;
                }
                if way.last() != Some(&start) {
                    way.push(start);
                }
                way.reverse();
                return way;
            }
            if let Entry::Vacant(unseen) = came_from.entry(next) {
                unseen.insert(node);
                queue.push_back(next);
            }
        }
    }
    vec![start]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cycles_are_named() {
        type Edges = &'static [(&'static str, &'static str)];
        let cases: [(Edges, Option<&[&str]>); 6] = [
            (&[], None),
            (&[("b", "a"), ("c", "b"), ("c", "a")], None),
            (&[("a", "a")], Some(&["a", "a"])),
            (&[("a", "b"), ("b", "a")], Some(&["a", "b", "a"])),
            (&[("z", "a"), ("a", "b"), ("b", "c"), ("c", "a")], Some(&["a", "b", "c", "a"])),
            (&[("a", "b"), ("b", "c"), ("c", "a"), ("b", "a")], Some(&["a", "b", "a"])),
        ];
        for (edges, expected) in cases {
            let expected = expected.map(|keys| keys.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(find_cycle(edges.iter().copied()), expected, "{edges:?}");
        }
    }

    proptest! {
        /// Edges that only point to smaller numbers cannot form a cycle; adding one back edge always creates one.
        #[test]
        fn order_excludes_cycles(pairs in prop::collection::vec((1usize..30, 0usize..30), 0..80)) {
            let names: Vec<String> = (0..30).map(|n| format!("m{n:02}")).collect();
            let downward: Vec<(usize, usize)> = pairs.into_iter().map(|(a, b)| (a, b % a)).collect();
            let edges = |list: &[(usize, usize)]| list.iter().map(|(a, b)| (names[*a].clone(), names[*b].clone())).collect::<Vec<_>>();
            let forward = edges(&downward);
            prop_assert_eq!(find_cycle(forward.iter().map(|(a, b)| (a.as_str(), b.as_str()))), None);
            if let Some((a, b)) = downward.first().copied() {
                let mut closed = downward.clone();
                closed.push((b, a));
                let closed = edges(&closed);
                let cycle = find_cycle(closed.iter().map(|(a, b)| (a.as_str(), b.as_str())));
                let cycle = cycle.expect("a back edge closes a cycle");
                prop_assert_eq!(cycle.first(), cycle.last());
                for step in cycle.windows(2) {
                    prop_assert!(closed.iter().any(|(a, b)| *a == step[0] && *b == step[1]), "every step is an edge");
                }
            }
        }
    }
}
