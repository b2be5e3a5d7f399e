//! The network of a plan: early and late dates, float and critical paths (critical path method). This module computes
//! with positions and numbers of days only; it knows no calendar dates.
//!
//! The forward and backward passes follow Kelley and Walker, *Critical-Path Planning and Scheduling* (1959). The four
//! relations of the precedence diagramming method and the lags follow PMI, *Practice Standard for Scheduling* (3rd ed.,
//! 2019), chapter 3. Times are whole days from the plan's start. A milestone takes its duration and is reached at its
//! end.

use petgraph::algo::toposort;
use petgraph::graph::DiGraph;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

/// Relation of a dependency: the event of the predecessor that must come before an event of the successor.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantNames,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Relation {
    /// The predecessor finishes before the successor starts.
    #[default]
    FinishToStart,
    /// The predecessor starts before the successor starts.
    StartToStart,
    /// The predecessor finishes before the successor finishes.
    FinishToFinish,
    /// The predecessor starts before the successor finishes.
    StartToFinish,
}

/// A dependency between two milestones, given by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Position of the predecessor.
    pub from: usize,
    /// Position of the successor.
    pub to: usize,
    /// Relation between the two milestones.
    pub relation: Relation,
    /// Lag in days; negative for an overlap.
    pub lag_days: i64,
}

/// One milestone's place in the network, in days from the plan's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Node {
    /// Duration.
    pub duration_days: i64,
    /// Earliest start.
    pub early_start: i64,
    /// Earliest finish.
    pub early_finish: i64,
    /// Latest start that does not delay the plan.
    pub late_start: i64,
    /// Latest finish that does not delay the plan.
    pub late_finish: i64,
    /// Total float: the slip that does not delay the plan.
    pub total_float_days: i64,
    /// Free float: the slip that does not delay any other milestone.
    pub free_float_days: i64,
}

impl Node {
    /// Whether the milestone is critical: every day that it slips delays the plan by a day.
    pub const fn is_critical(&self) -> bool {
        self.total_float_days <= 0
    }
}

/// A scheduled network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Milestones, in the order given.
    pub nodes: Vec<Node>,
    /// Earliest finish of the whole network.
    pub length_days: i64,
    /// Positions in topological order: every milestone comes after all its predecessors.
    pub order: Vec<usize>,
}

/// Maximum number of critical paths to return, because ties multiply them.
const MOST_PATHS: usize = 20;

impl Network {
    /// Schedules milestones with the given durations and links. Returns `None` if the links form a cycle.
    pub fn schedule(durations_days: &[i64], links: &[Link]) -> Option<Self> {
        let order = order(durations_days.len(), links)?;
        let (before, behind) = (incoming(durations_days.len(), links), outgoing(durations_days.len(), links));
        let mut nodes: Vec<Node> =
            durations_days.iter().map(|days| Node { duration_days: *days, ..Node::default() }).collect();
        for position in &order {
            let earliest = before[*position].iter().map(|link| earliest_start(link, &nodes));
            let node_start = earliest.max().unwrap_or(0).max(0);
            let node = &mut nodes[*position];
            (node.early_start, node.early_finish) = (node_start, node_start + node.duration_days);
        }
        let length_days = nodes.iter().map(|node| node.early_finish).max().unwrap_or(0);
        for position in order.iter().rev() {
            let latest = behind[*position].iter().map(|link| latest_finish(link, &nodes));
            let finish = latest.min().unwrap_or(length_days).min(length_days);
            let free = behind[*position].iter().map(|link| gap(link, &nodes));
            let free_float = free.min().unwrap_or(length_days - nodes[*position].early_finish);
            let node = &mut nodes[*position];
            (node.late_finish, node.late_start) = (finish, finish - node.duration_days);
            node.total_float_days = node.late_finish - node.early_finish;
            node.free_float_days = free_float;
        }
        Some(Self { nodes, length_days, order })
    }

    /// Returns the critical paths from start to finish, as positions; at most twenty if there are ties.
    pub fn critical_paths(&self, links: &[Link]) -> Vec<Vec<usize>> {
        let is_tight = |link: &&Link| {
            self.nodes[link.from].is_critical() && self.nodes[link.to].is_critical() && gap(link, &self.nodes) == 0
        };
        let tight: Vec<&Link> = links.iter().filter(is_tight).collect();
        let starts = (0..self.nodes.len())
            .filter(|position| self.nodes[*position].is_critical() && !tight.iter().any(|link| link.to == *position));
        let mut paths = vec![];
        for start in starts {
            walk(&mut vec![start], &tight, &mut paths);
        }
        paths
    }
}

/// Follows tight links to their ends and collects each complete path.
fn walk(path: &mut Vec<usize>, tight: &[&Link], paths: &mut Vec<Vec<usize>>) {
    let Some(last) = path.last().copied() else { return };
    let mut is_end = true;
    for link in tight.iter().filter(|link| link.from == last) {
        if paths.len() >= MOST_PATHS {
            return;
        }
        is_end = false;
        path.push(link.to);
        walk(path, tight, paths);
        path.pop();
    }
    if is_end && paths.len() < MOST_PATHS {
        paths.push(path.clone());
    }
}

/// Returns the positions in an order in which every link leads forward, or `None` if the links form a cycle.
pub(crate) fn order(count: usize, links: &[Link]) -> Option<Vec<usize>> {
    let mut graph = DiGraph::<usize, ()>::with_capacity(count, links.len());
    let indices: Vec<_> = (0..count).map(|position| graph.add_node(position)).collect();
    for link in links {
        graph.add_edge(*indices.get(link.from)?, *indices.get(link.to)?, ());
    }
    Some(toposort(&graph, None).ok()?.into_iter().map(|index| graph[index]).collect())
}

/// Returns the incoming links of each milestone.
pub(crate) fn incoming(count: usize, links: &[Link]) -> Vec<Vec<&Link>> {
    grouped(count, links, |link| link.to)
}

/// Returns the outgoing links of each milestone.
fn outgoing(count: usize, links: &[Link]) -> Vec<Vec<&Link>> {
    grouped(count, links, |link| link.from)
}

fn grouped(count: usize, links: &[Link], end: impl Fn(&Link) -> usize) -> Vec<Vec<&Link>> {
    let mut groups = vec![vec![]; count];
    for link in links {
        groups[end(link)].push(link);
    }
    groups
}

/// Returns the earliest start that a link allows its successor.
fn earliest_start(link: &Link, nodes: &[Node]) -> i64 {
    let (from, to) = (&nodes[link.from], &nodes[link.to]);
    let bound = match link.relation {
        Relation::FinishToStart => from.early_finish,
        Relation::StartToStart => from.early_start,
        Relation::FinishToFinish => from.early_finish - to.duration_days,
        Relation::StartToFinish => from.early_start - to.duration_days,
    };
    bound + link.lag_days
}

/// Returns the latest finish that a link allows its predecessor.
fn latest_finish(link: &Link, nodes: &[Node]) -> i64 {
    let (from, to) = (&nodes[link.from], &nodes[link.to]);
    let bound = match link.relation {
        Relation::FinishToStart => to.late_start,
        Relation::StartToStart => to.late_start + from.duration_days,
        Relation::FinishToFinish => to.late_finish,
        Relation::StartToFinish => to.late_finish + from.duration_days,
    };
    bound - link.lag_days
}

/// Returns the days that the predecessor may slip from its earliest dates before it pushes the successor.
fn gap(link: &Link, nodes: &[Node]) -> i64 {
    nodes[link.to].early_start - earliest_start(link, nodes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn after(from: usize, to: usize) -> Link {
        Link { from, to, relation: Relation::FinishToStart, lag_days: 0 }
    }

    /// Builds a network from activities as `(duration, letters of the predecessors)`, lettered A, B, C and so on.
    fn lettered(activities: &[(i64, &str)]) -> (Network, Vec<Link>) {
        let position = |letter: u8| usize::from(letter - b'A');
        let links: Vec<Link> = activities
            .iter()
            .enumerate()
            .flat_map(|(to, (_, before))| before.bytes().map(move |letter| after(position(letter), to)))
            .collect();
        let durations: Vec<i64> = activities.iter().map(|(days, _)| *days).collect();
        (Network::schedule(&durations, &links).expect("no cycle"), links)
    }

    fn letters(paths: &[Vec<usize>]) -> Vec<String> {
        let letter = |position: &usize| char::from(b'A' + u8::try_from(*position).expect("few"));
        paths.iter().map(|path| path.iter().map(letter).collect()).collect()
    }

    fn floats(network: &Network) -> Vec<i64> {
        network.nodes.iter().map(|node| node.total_float_days).collect()
    }

    /// Reliable Construction Co., from Hillier and Lieberman, *Introduction to Operations Research*, chapter on
    /// PERT/CPM: 44 weeks, critical path A-B-C-E-F-J-L-N.
    #[test]
    fn reliable_construction() {
        let (network, links) = lettered(&[
            (2, ""),
            (4, "A"),
            (10, "B"),
            (6, "C"),
            (4, "C"),
            (5, "E"),
            (7, "D"),
            (9, "EG"),
            (7, "C"),
            (8, "FI"),
            (4, "J"),
            (5, "J"),
            (2, "H"),
            (6, "KL"),
        ]);
        assert_eq!(network.length_days, 44);
        assert_eq!(letters(&network.critical_paths(&links)), ["ABCEFJLN"]);
        assert_eq!(floats(&network), [0, 0, 0, 4, 0, 0, 4, 4, 2, 0, 1, 0, 4, 0]);
    }

    /// The seven activities of the encyclopedia article on PERT, with expected times in hundredths of a day: A-C-E-G
    /// takes 19.51 days; B may slip by 3.84, D and F by 4.68.
    #[test]
    fn seven_activities() {
        let (network, links) =
            lettered(&[(400, ""), (533, ""), (517, "A"), (633, "A"), (517, "BC"), (450, "D"), (517, "E")]);
        assert_eq!(network.length_days, 1951);
        assert_eq!(letters(&network.critical_paths(&links)), ["ACEG"]);
        assert_eq!(floats(&network), [0, 384, 0, 468, 0, 468, 0]);
        let free: Vec<i64> = network.nodes.iter().map(|node| node.free_float_days).collect();
        assert_eq!(free, [0, 384, 0, 0, 0, 468, 0], "D's slip moves F first");
    }

    /// Each relation, worked out by hand: A takes 5 days and B takes 3.
    #[test]
    fn relations_and_lags() {
        for (relation, lag_days, expected) in [
            (Relation::FinishToStart, 2, (7, 10)),
            (Relation::FinishToStart, -2, (3, 6)),
            (Relation::StartToStart, 2, (2, 5)),
            (Relation::FinishToFinish, 2, (4, 7)),
            (Relation::StartToFinish, 2, (0, 3)),
            (Relation::StartToFinish, 9, (6, 9)),
        ] {
            let network = Network::schedule(&[5, 3], &[Link { from: 0, to: 1, relation, lag_days }]).expect("no cycle");
            let b = network.nodes[1];
            assert_eq!((b.early_start, b.early_finish), expected, "{relation} {lag_days}");
        }
    }

    #[test]
    fn ties_are_all_named_and_cycles_refused() {
        let (network, links) = lettered(&[(1, ""), (2, "A"), (2, "A"), (1, "BC")]);
        assert_eq!(letters(&network.critical_paths(&links)), ["ABD", "ACD"]);
        assert_eq!(Network::schedule(&[1, 1], &[after(0, 1), after(1, 0)]), None);
        assert_eq!(Network::schedule(&[], &[]).map(|network| network.length_days), Some(0));
    }

    proptest! {
        /// Laws of every network: total float is not negative, free float does not exceed total float, every link holds
        /// at early and late dates, at least one milestone is critical, and a slip within total float does not move the
        /// finish.
        #[test]
        fn laws(durations in prop::collection::vec(0i64..20, 1..12), pairs in prop::collection::vec((0usize..12, 0usize..12), 0..20), slipped in 0usize..12) {
            let count = durations.len();
            let links: Vec<Link> = pairs.into_iter().filter(|(a, b)| a < b && *b < count).map(|(a, b)| after(a, b)).collect();
            let network = Network::schedule(&durations, &links).expect("links lead forward");
            for node in &network.nodes {
                prop_assert!(node.total_float_days >= 0 && node.free_float_days <= node.total_float_days);
            }
            for link in &links {
                prop_assert!(network.nodes[link.from].early_finish <= network.nodes[link.to].early_start);
                prop_assert!(network.nodes[link.from].late_finish <= network.nodes[link.to].late_start);
            }
            prop_assert!(network.nodes.iter().any(Node::is_critical));
            let slipped = slipped % count;
            let mut longer = durations.clone();
            longer[slipped] += network.nodes[slipped].total_float_days;
            prop_assert_eq!(Network::schedule(&longer, &links).expect("as before").length_days, network.length_days);
            longer[slipped] += 1;
            prop_assert_eq!(Network::schedule(&longer, &links).expect("as before").length_days, network.length_days + 1);
        }
    }
}
