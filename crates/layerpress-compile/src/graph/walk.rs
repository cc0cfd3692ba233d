//! [`Graph::tree`] and [`Graph::why`]: the graph as rows to draw, from the root down and from a package
//! up. A package is opened up once, so there are never more rows than needs, whatever circles there are.

use super::model::{Graph, Need};

/// How to walk.
#[derive(Debug, Clone, Copy)]
pub struct WalkOptions {
    /// How many levels to show; the first is that of what the root asks for, or of who asks for the package.
    pub depth: usize,
    /// How many askers to show of one package.
    pub askers: usize,
}

/// A row of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<T> {
    /// How deep it stands, from 0.
    pub depth: usize,
    /// Whether it is the last one below the row that it stands under.
    pub is_last: bool,
    /// What it says.
    pub what: T,
}

/// A row of the tree from the root down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed<'a> {
    /// What is asked for by the row that it stands under.
    pub need: &'a Need,
    /// Whether what the package needs was shown already.
    pub is_repeated: bool,
    /// Whether what the package needs lies too deep to be shown.
    pub is_cut: bool,
}

/// A row of the tree from a package up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asker<'a> {
    /// The root asks.
    Root {
        /// For what.
        need: &'a Need,
    },
    /// A package asks.
    Package {
        /// Which.
        index: usize,
        /// For what.
        need: &'a Need,
        /// Whether who asks for it was shown already.
        is_repeated: bool,
        /// Whether who asks for it lies too deep to be shown.
        is_cut: bool,
    },
    /// There are this many more.
    More(usize),
}

/// Who asks for a package.
#[derive(Debug, Clone)]
pub struct Why<'a> {
    /// The package.
    pub index: usize,
    /// Who asks for it, and who for them; what is nearest to the root first.
    pub rows: Vec<Row<Asker<'a>>>,
}

/// A package with one of its askers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way<'a> {
    /// What the last one on the way asks for.
    pub need: &'a Need,
    /// The packages on the shortest way from the root to the asker, which is the last; none where the
    /// root asks itself.
    pub packages: Vec<usize>,
}

impl Graph {
    /// The rows of the tree, from the root down.
    #[must_use]
    pub fn tree(&self, options: &WalkOptions) -> Vec<Row<Needed<'_>>> {
        let mut is_open = vec![false; self.packages.len()];
        let asked = self.asked.iter().filter(|_| options.depth > 0);
        preorder(asked.collect(), |depth, need| {
            let below = need.to.map_or(&[][..], |to| &self.packages[to].needs);
            let is_cut = !below.is_empty() && depth + 1 >= options.depth;
            let is_repeated = need.to.is_some_and(|to| {
                !below.is_empty() && !is_cut && std::mem::replace(&mut is_open[to], true)
            });
            let row = Needed {
                need,
                is_repeated,
                is_cut,
            };
            let below = match is_cut || is_repeated {
                true => Vec::new(),
                false => below.iter().collect(),
            };
            (row, below)
        })
    }

    /// Who asks for each of `packages`.
    #[must_use]
    pub fn why(&self, packages: &[usize], options: &WalkOptions) -> Vec<Why<'_>> {
        let askers = self.askers();
        let why = |&index: &usize| Why {
            index,
            rows: self.why_one(index, &askers, options),
        };
        packages.iter().map(why).collect()
    }

    fn why_one<'a>(
        &'a self,
        index: usize,
        askers: &[Vec<(Option<usize>, &'a Need)>],
        options: &WalkOptions,
    ) -> Vec<Row<Asker<'a>>> {
        let mut is_open = vec![false; self.packages.len()];
        is_open[index] = true;
        let below = |index: usize| -> Vec<Result<(Option<usize>, &'a Need), usize>> {
            let all = &askers[index];
            let more = all.len().saturating_sub(options.askers);
            // A line that says "1 more" is as long as the one that it stands for.
            let shown = if more == 1 {
                all.len()
            } else {
                all.len() - more
            };
            let more = all.len() - shown;
            let rest = (more > 0).then_some(Err(more));
            all[..shown].iter().copied().map(Ok).chain(rest).collect()
        };
        let askers = match options.depth {
            0 => Vec::new(),
            _ => below(index),
        };
        preorder(askers, |depth, item| {
            let (from, need) = match item {
                Ok((Some(from), need)) => (from, need),
                Ok((None, need)) => return (Asker::Root { need }, Vec::new()),
                Err(more) => return (Asker::More(more), Vec::new()),
            };
            let is_cut = depth + 1 >= options.depth;
            let is_repeated = !is_cut && std::mem::replace(&mut is_open[from], true);
            let row = Asker::Package {
                index: from,
                need,
                is_repeated,
                is_cut,
            };
            let above = match is_cut || is_repeated {
                true => Vec::new(),
                false => below(from),
            };
            (row, above)
        })
    }

    /// Each asker of a package with the shortest way to it, the shortest first.
    #[must_use]
    pub fn ways(&self, package: usize) -> Vec<Way<'_>> {
        let askers = self.askers();
        let mut ways = Vec::new();
        for &(from, need) in &askers[package] {
            let mut packages = Vec::new();
            let mut at = from;
            // Askers come sorted by their distance, so the first step of each is one nearer.
            while let Some(index) = at {
                packages.push(index);
                at = askers[index].first().and_then(|(from, _)| *from);
            }
            packages.reverse();
            ways.push(Way { need, packages });
        }
        ways
    }

    /// The packages of a name, or that something asks for by it.
    #[must_use]
    pub fn named(&self, name: &str) -> Vec<usize> {
        let needs = self.packages.iter().flat_map(|package| &package.needs);
        let aliased = needs
            .chain(&self.asked)
            .filter(|need| need.name == name)
            .filter_map(|need| need.to);
        let named = (0..self.packages.len()).filter(|index| self.packages[*index].name == name);
        let mut all: Vec<usize> = named.chain(aliased).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Who asks for each package: the root or a package, those nearest to the root first.
    fn askers(&self) -> Vec<Vec<(Option<usize>, &Need)>> {
        let mut askers = vec![Vec::new(); self.packages.len()];
        let packages = self.packages.iter().enumerate();
        let needs = packages.flat_map(|(from, of)| of.needs.iter().map(move |it| (Some(from), it)));
        for (from, need) in self.asked.iter().map(|it| (None, it)).chain(needs) {
            if let Some(to) = need.to {
                askers[to].push((from, need));
            }
        }
        let distances = self.distances();
        let distance =
            |from: Option<usize>| from.map_or(0, |it| distances[it].unwrap_or(usize::MAX));
        for of in &mut askers {
            of.sort_by_key(|(from, _)| (distance(*from), *from));
        }
        askers
    }
}

/// Walks a tree whose rows tell what stands below them, without a frame for each level.
fn preorder<I, T>(roots: Vec<I>, mut open: impl FnMut(usize, I) -> (T, Vec<I>)) -> Vec<Row<T>> {
    let mut rows = Vec::new();
    let mut stack: Vec<(usize, bool, I)> = Vec::new();
    let push = |stack: &mut Vec<(usize, bool, I)>, depth, items: Vec<I>| {
        let last = items.len();
        let items = items.into_iter().enumerate().rev();
        stack.extend(items.map(|(index, item)| (depth, index + 1 == last, item)));
    };
    push(&mut stack, 0, roots);
    while let Some((depth, is_last, item)) = stack.pop() {
        let (what, below) = open(depth, item);
        rows.push(Row {
            depth,
            is_last,
            what,
        });
        push(&mut stack, depth + 1, below);
    }
    rows
}
