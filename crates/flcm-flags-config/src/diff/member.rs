//! A flag as far as the decisions of others depend on it.

use std::collections::{BTreeMap, BTreeSet};

use flcm_flags::bucket::BUCKETS;
use flcm_flags::{Expected, FlagId, Millis, Node, Nodes, Snapshot};

use super::intervals::{POINTS, Side};
use super::moves::Served;
use crate::explain::text;

/// A flag of one version.
pub(super) struct Member {
    pub(super) is_readable: bool,
    /// The decisions that other flags must have made.
    pub(super) needs: Vec<Need>,
    /// Empty for a flag that is switched off.
    pub(super) rules: Vec<Rule>,
    /// The salt and the hashed attribute.
    pub(super) salt: (String, Option<String>),
    /// The number of its draw, and the place of its first rule in the draw's cells.
    pub(super) draw: usize,
    pub(super) place: usize,
    /// What it may serve; first what it serves when off.
    outcomes: Vec<Served>,
}

/// A rule: whom it takes, and what it serves.
pub(super) struct Rule {
    pub(super) tests: Vec<Test>,
    /// The buckets below this one are inside.
    pub(super) end: u32,
    /// The end of each range of split points and what is served there, ascending up to [`POINTS`].
    pub(super) ranges: Vec<(u64, u16)>,
}

/// The decision that another flag must have made.
pub(super) struct Need {
    /// `None` for a flag that is not there: then it is not met.
    pub(super) member: Option<usize>,
    expected: Expect,
}

enum Expect {
    Off,
    On,
    Variant(String),
}

/// A condition: what it says of users is an atom, and what it says of flags is known from their decisions.
pub(super) enum Test {
    All(Vec<Self>),
    Any(Vec<Self>),
    Atom(String),
    Flag(Need),
    Not(Vec<Self>),
}

impl Member {
    /// What is served when no rule applies.
    pub(super) const OFF: u16 = 0;

    /// A flag, of which the prerequisites have places already.
    pub(super) fn new<B: AsRef<[u8]>>(
        snapshot: &Snapshot<B>,
        id: u32,
        places: &BTreeMap<u32, usize>,
        now: Millis,
    ) -> Option<Self> {
        let flag = snapshot.describe(FlagId(id))?;
        let reader = Reader { snapshot, places };
        let Side { areas, off, .. } = Side::new(snapshot, flag, now);
        let mut outcomes = vec![off];
        let tests = flag.rules().map(|rule| reader.tests(rule.conditions()));
        let rules = areas.into_iter().zip(tests).map(|(area, tests)| {
            let ranges = area.ranges.into_iter().map(|(end, served)| (end, place_of(&mut outcomes, served)));
            Rule { tests, end: area.end, ranges: ranges.collect() }
        });
        let rules = rules.collect();
        Some(Self {
            is_readable: flag.is_readable(),
            needs: flag.dependencies().map(|(flag, expected)| reader.need(flag, expected)).collect(),
            rules,
            salt: (flag.salt().to_owned(), flag.by().map(str::to_owned)),
            draw: 0,
            place: 0,
            outcomes,
        })
    }

    /// Forgets what no other flag asks for: the fewer outcomes, the fewer combinations.
    pub(super) fn as_prerequisite(mut self, with_variants: bool) -> Self {
        let mut outcomes: Vec<Served> = Vec::new();
        let map: Vec<u16> = self
            .outcomes
            .into_iter()
            .map(|served| {
                let variant = served.variant.filter(|_| with_variants);
                place_of(&mut outcomes, Served { enabled: served.enabled, variant, value: None })
            })
            .collect();
        for (_, outcome) in self.rules.iter_mut().flat_map(|rule| &mut rule.ranges) {
            *outcome = map[usize::from(*outcome)];
        }
        self.outcomes = outcomes;
        self
    }

    pub(super) fn served(&self, outcome: u16) -> &Served {
        &self.outcomes[usize::from(outcome)]
    }

    /// The conditions of its rules that speak of users.
    pub(super) fn atoms(&self) -> Vec<&str> {
        let mut atoms = Vec::new();
        let rules = self.rules.iter().filter(|rule| rule.end > 0);
        rules.flat_map(|rule| &rule.tests).for_each(|test| test.atoms(&mut atoms));
        atoms
    }

    /// How many buckets may be on when only this condition holds, whatever other flags decide.
    pub(super) fn reach(&self, class: Option<&str>) -> Reach<'_> {
        let is_other = |test: &Test| matches!(test, Test::Atom(atom) if Some(atom.as_str()) != class);
        let applies = |rule: &&Rule| !rule.tests.iter().any(is_other);
        let is_on = |rule: &&Rule| rule.ranges.iter().any(|(_, outcome)| self.served(*outcome).enabled);
        let end = self.rules.iter().filter(applies).filter(is_on).map(|rule| rule.end).max().unwrap_or(0);
        Reach { end, off: self.served(Self::OFF), outcomes: &self.outcomes }
    }
}

/// What a flag may serve, and to how many.
pub(super) struct Reach<'m> {
    /// The buckets below this one may be on.
    pub(super) end: u32,
    /// What everyone else gets.
    pub(super) off: &'m Served,
    /// All that may be served.
    pub(super) outcomes: &'m [Served],
}

impl Reach<'_> {
    /// Of a flag that is not there.
    pub(super) const NOWHERE: Self = Reach { end: 0, off: &Served::OFF, outcomes: &[] };
}

/// The place of an outcome, which is added if it is new.
fn place_of(outcomes: &mut Vec<Served>, served: Served) -> u16 {
    let place = outcomes.iter().position(|other| *other == served).unwrap_or_else(|| {
        outcomes.push(served);
        outcomes.len() - 1
    });
    u16::try_from(place).unwrap_or(u16::MAX)
}

impl Rule {
    /// What everyone gets whose conditions hold, if it is the same for all.
    pub(super) fn only_outcome(&self) -> Option<u16> {
        let (_, first) = *self.ranges.first()?;
        (self.end == BUCKETS && self.ranges.iter().all(|(_, outcome)| *outcome == first)).then_some(first)
    }

    /// What a point of the plane of buckets and split points gets.
    pub(super) fn outcome_at(&self, bucket: u32, point: u64) -> Option<u16> {
        let index = self.ranges.partition_point(|(end, _)| *end <= point);
        self.ranges.get(index).filter(|_| bucket < self.end).map(|(_, outcome)| *outcome)
    }

    /// Where ranges of split points end.
    pub(super) fn points(&self) -> impl Iterator<Item = u64> {
        self.ranges.windows(2).filter(|pair| pair[0].1 != pair[1].1).map(|pair| pair[0].0).chain([POINTS])
    }
}

impl Need {
    pub(super) fn is_met_by(&self, served: &Served) -> bool {
        match &self.expected {
            Expect::Off => !served.enabled,
            Expect::On => served.enabled,
            Expect::Variant(name) => served.variant.as_ref() == Some(name),
        }
    }
}

impl Test {
    fn atoms<'t>(&'t self, atoms: &mut Vec<&'t str>) {
        match self {
            Self::All(tests) | Self::Any(tests) | Self::Not(tests) => tests.iter().for_each(|test| test.atoms(atoms)),
            Self::Atom(text) => atoms.push(text),
            Self::Flag(_) => {}
        }
    }
}

/// Reads conditions of a snapshot.
struct Reader<'r, B> {
    snapshot: &'r Snapshot<B>,
    places: &'r BTreeMap<u32, usize>,
}

impl<B: AsRef<[u8]>> Reader<'_, B> {
    fn need(&self, flag: FlagId, expected: Expected) -> Need {
        let expected = match expected {
            Expected::Disabled => Expect::Off,
            Expected::Enabled => Expect::On,
            Expected::Variant(index) => {
                let variant = self.snapshot.describe(flag).and_then(|flag| flag.variant(index));
                Expect::Variant(variant.map_or("", |variant| variant.name()).to_owned())
            }
        };
        Need { member: self.places.get(&flag.0).copied(), expected }
    }

    /// The conditions of a rule. Those that speak of users are one atom, as they are one class.
    fn tests(&self, nodes: Nodes<'_>) -> Vec<Test> {
        let (of_users, others): (Vec<Node<'_>>, Vec<Node<'_>>) = nodes.partition(speaks_of_users);
        let texts: Vec<String> = of_users.into_iter().map(|node| text::condition(self.snapshot, node)).collect();
        let atom = (!texts.is_empty()).then(|| Test::Atom(texts.join(" and ")));
        atom.into_iter().chain(others.into_iter().map(|node| self.test(node))).collect()
    }

    fn test(&self, node: Node<'_>) -> Test {
        let all = |nodes: Nodes<'_>| nodes.map(|node| self.test(node)).collect();
        match node {
            node if speaks_of_users(&node) => Test::Atom(text::condition(self.snapshot, node)),
            Node::All(nodes) => Test::All(all(nodes)),
            Node::Any(nodes) => Test::Any(all(nodes)),
            Node::Not(nodes) => Test::Not(all(nodes)),
            Node::Flag(flag, expected) => Test::Flag(self.need(flag, expected)),
            node => Test::Atom(text::condition(self.snapshot, node)),
        }
    }
}

/// Whether a condition names no flag.
fn speaks_of_users(node: &Node<'_>) -> bool {
    match node {
        Node::Flag(..) => false,
        Node::All(nodes) | Node::Any(nodes) | Node::Not(nodes) => nodes.clone().all(|node| speaks_of_users(&node)),
        Node::Cohort(_) | Node::Test(_) => true,
    }
}

/// The flags of which these ask for a variant.
pub(super) fn variants_asked<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, ids: impl Iterator<Item = u32>) -> BTreeSet<u32> {
    let mut asked = BTreeSet::new();
    for flag in ids.filter_map(|id| snapshot.describe(FlagId(id))) {
        let mut ask = |flag: FlagId, expected| {
            if let Expected::Variant(_) = expected {
                asked.insert(flag.0);
            }
        };
        flag.dependencies().for_each(|(flag, expected)| ask(flag, expected));
        flag.rules().for_each(|rule| asks(rule.conditions(), &mut ask));
    }
    asked
}

fn asks(nodes: Nodes<'_>, ask: &mut impl FnMut(FlagId, Expected)) {
    for node in nodes {
        match node {
            Node::Flag(flag, expected) => ask(flag, expected),
            Node::All(nodes) | Node::Any(nodes) | Node::Not(nodes) => asks(nodes, ask),
            Node::Cohort(_) | Node::Test(_) => {}
        }
    }
}
