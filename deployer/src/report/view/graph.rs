//! The graph beside a list of releases: what was live is one line, what failed hangs at its side, and a rollback points back
//! to what it restored.
//!
//! ```text
//!     ●    5   deploy           live
//!   ╭─○    4   rollback to 2
//!   │ ├─×  3   promote dev@9    reverted
//!   ╰▸○    2   deploy
//! ```

use crate::report::screen::Screen;

/// More rollbacks at a time than this are named in their rows only.
const LANES: usize = 3;

/// A release in the graph.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) number: u32,
    /// The release that it restored.
    pub(super) back_to: Option<u32>,
    pub(super) kind: Kind,
}

/// Where a release is in the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Live,
    Superseded,
    /// It failed, and never was a part of the line.
    Side,
    Unfinished,
}

/// The letters of a graph.
struct Pen {
    live: char,
    superseded: char,
    failed: char,
    unfinished: char,
    line: char,
    across: char,
    side: [char; 4],
    /// Where a rollback leaves, where it arrives, and the head of its arrow.
    arc: [char; 3],
}

const UNICODE: Pen = Pen {
    live: '●',
    superseded: '○',
    failed: '×',
    unfinished: '◌',
    line: '│',
    across: '─',
    side: ['╭', '├', '╰', '─'],
    arc: ['╭', '╰', '▸'],
};
const ASCII: Pen = Pen {
    live: '*',
    superseded: 'o',
    failed: 'x',
    unfinished: '~',
    line: '|',
    across: '-',
    side: ['|', '|', '|', ' '],
    arc: [',', '`', '>'],
};

/// From the row of a rollback down to that of what it restored, or to the end.
struct Arc {
    from: usize,
    to: usize,
    lane: usize,
}

/// For each row its part of the graph, and what goes on beside the lines below it. The newest comes first.
pub(super) fn graph(nodes: &[Node], screen: &Screen) -> Vec<(String, String)> {
    let pen = if screen.unicode { UNICODE } else { ASCII };
    let arcs = arcs(nodes);
    let lanes = arcs.iter().map(|arc| arc.lane + 1).max().unwrap_or_default();
    let sides = nodes.iter().any(|node| node.kind == Kind::Side);
    nodes
        .iter()
        .enumerate()
        .map(|(row, node)| {
            let mut text = lanes_of(&arcs, (row, lanes), &pen);
            text.push_str(&match node.kind {
                Kind::Live => pen.live.to_string(),
                Kind::Superseded => pen.superseded.to_string(),
                Kind::Unfinished => pen.unfinished.to_string(),
                Kind::Side => {
                    let is_last = row + 1 == nodes.len();
                    let corner = match (row == 0, is_last && node.number == 1) {
                        (true, true) => pen.side[3],
                        (true, false) => pen.side[0],
                        (false, true) => pen.side[2],
                        (false, false) => pen.side[1],
                    };
                    format!("{corner}{}{}", pen.across, pen.failed)
                }
            });
            if sides && node.kind != Kind::Side {
                text.push_str("  ");
            }
            let mut margin = String::new();
            for lane in (0..lanes).rev() {
                let goes_on = arcs.iter().any(|arc| arc.lane == lane && (arc.from..arc.to).contains(&row));
                margin.extend([if goes_on { pen.line } else { ' ' }, ' ']);
            }
            margin.push(if node.number == 1 { ' ' } else { pen.line });
            margin.push_str(if sides { "  " } else { "" });
            (text, margin)
        })
        .collect()
}

/// The rollbacks, each in the innermost lane that is free all the way.
fn arcs(nodes: &[Node]) -> Vec<Arc> {
    let place = |number: u32| nodes.iter().position(|node| node.number == number).unwrap_or(nodes.len());
    let rollbacks = nodes.iter().enumerate().filter(|(_, node)| node.kind != Kind::Side);
    let mut ends: Vec<_> = rollbacks.filter_map(|(from, node)| Some((from, place(node.back_to?)))).collect();
    // A short one inside a long one does not cross it.
    ends.sort_by_key(|(from, to)| to.saturating_sub(*from));
    let mut arcs: Vec<Arc> = Vec::new();
    for (from, to) in ends {
        // Two arrows may share an end, never a part of the way.
        let is_free = |lane: &usize| arcs.iter().all(|arc| arc.lane != *lane || arc.to < from || to < arc.from);
        if let Some(lane) = (0..LANES).find(is_free).filter(|_| from < to) {
            arcs.push(Arc { from, to, lane });
        }
    }
    arcs
}

/// What is to the left of the line in one row, from the outermost lane to the innermost.
fn lanes_of(arcs: &[Arc], (row, lanes): (usize, usize), pen: &Pen) -> String {
    let mut text = String::new();
    let mut across = false;
    let mut arrives = false;
    for lane in (0..lanes).rev() {
        let here = arcs.iter().find(|arc| arc.lane == lane && (arc.from..=arc.to).contains(&row));
        let letter = match here {
            Some(arc) if arc.from == row => {
                across = true;
                pen.arc[0]
            }
            Some(arc) if arc.to == row => {
                (across, arrives) = (true, true);
                pen.arc[1]
            }
            Some(_) => pen.line,
            None if across => pen.across,
            None => ' ',
        };
        text.push(letter);
        text.push(if across { pen.across } else { ' ' });
    }
    if arrives {
        text.pop();
        text.push(pen.arc[2]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(nodes: &[(u32, Option<u32>, Kind)], unicode: bool) -> Vec<String> {
        let nodes: Vec<Node> = nodes
            .iter()
            .map(|(number, back_to, kind)| Node { number: *number, back_to: *back_to, kind: *kind })
            .collect();
        let screen = Screen { unicode, ..Screen::plain(jiff::Timestamp::UNIX_EPOCH) };
        graph(&nodes, &screen).into_iter().map(|(node, _)| node.trim_end().to_owned()).collect()
    }

    #[test]
    fn what_was_live_is_a_line_and_what_failed_hangs_beside_it() {
        let nodes = [
            (5, None, Kind::Unfinished),
            (4, None, Kind::Live),
            (3, None, Kind::Side),
            (2, None, Kind::Superseded),
            (1, None, Kind::Side),
        ];
        assert_eq!(drawn(&nodes, true), ["◌", "●", "├─×", "○", "╰─×"]);
        assert_eq!(drawn(&nodes, false), ["~", "*", "|-x", "o", "|-x"]);
        assert_eq!(drawn(&[(1, None, Kind::Side)], true), ["──×"]);
    }

    #[test]
    fn a_rollback_points_back_to_what_it_restored() {
        let nodes = [
            (6, Some(1), Kind::Live),
            (5, None, Kind::Superseded),
            (4, Some(2), Kind::Superseded),
            (3, None, Kind::Side),
            (2, None, Kind::Superseded),
            (1, None, Kind::Superseded),
        ];
        assert_eq!(drawn(&nodes, true), ["╭───●", "│   ○", "│ ╭─○", "│ │ ├─×", "│ ╰▸○", "╰──▸○"]);
        assert_eq!(drawn(&nodes, false), [",---*", "|   o", "| ,-o", "| | |-x", "| `>o", "`-->o"]);
    }

    #[test]
    fn a_rollback_to_what_is_not_listed_points_out_of_the_list() {
        let nodes = [(9, Some(2), Kind::Live), (8, None, Kind::Superseded)];
        assert_eq!(drawn(&nodes, true), ["╭─●", "│ ○"]);
    }

    #[test]
    fn many_rollbacks_need_few_lanes() {
        let nodes: Vec<_> = (1..=40).rev().map(|number| (number, Some(1), Kind::Superseded)).collect();
        assert!(drawn(&nodes, true).iter().all(|row| row.chars().count() <= 2 * LANES + 1));
    }
}
