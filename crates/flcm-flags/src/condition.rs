//! Conditions: operators over attributes, and groups of them.
//!
//! A rule, or a cohort's `when`, owns a range of node records. A group is a node whose members follow directly behind
//! it, so walking a tree of conditions is walking a range from left to right, and skipping a group is one addition.
//! [`Nodes`] is that walk, [`Node`] is one condition with its members, and [`Test`] compares one attribute.
//!
//! **Integers are compared with integers.** The compiler interns the strings that `==` and `in` compare. A bound
//! context holds the ids of its own strings, so these operators compare two integers and never two strings. A text that
//! no condition names has no id, and equals none.
//!
//! **A missing or ill-typed attribute makes every operator false**, the negative ones too. Only `not_exists` holds for
//! a missing attribute. Otherwise `plan != "free"` would hold for everyone whose plan is unknown. The functions below
//! return `Option<bool>` for this reason: `None` means "cannot be compared", and the sign of the operator does not
//! change that.
//!
//! **Tests come first.** The decision path asks a node whether it is a test before it decodes anything else, because
//! most nodes are tests.

use core::cmp::Ordering;
use core::fmt;

use crate::context::{Item, Kind, Slot, View};
use crate::pattern;
use crate::snapshot::sections;
use crate::snapshot::{AttributeId, Expected, FlagId, Reader, Rule, to_usize, wire};
use crate::time::parse_bytes;
use crate::value::AttributeValue;
use crate::version;

/// How a test compares an attribute with its operands. Each variant says for which values it holds.
///
/// ```
/// use flcm_flags::Operator;
/// assert_eq!(Operator::SemverGreaterEqual.as_str(), "semver_gte");
/// assert_eq!(Operator::NotEqual.to_string(), "!=");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operator {
    /// A time strictly after the operand. The attribute is an RFC 3339 text, or milliseconds since 1970.
    After,
    /// A time strictly before the operand, like [`After`](Self::After).
    Before,
    /// A text that contains the operand, or a list of texts with the operand as a member.
    Contains,
    /// A text that ends with one of the operands.
    EndsWith,
    /// The same type and value. Numbers are compared as IEEE 754 does.
    Equal,
    /// Any value.
    Exists,
    /// A number above the operand.
    Greater,
    /// A number above the operand, or equal.
    GreaterEqual,
    /// A text or number that is one of the operands.
    In,
    /// A number below the operand.
    Less,
    /// A number below the operand, or equal.
    LessEqual,
    /// A text in which the regular expression is found anywhere.
    Matches,
    /// A text or list that does not [contain](Self::Contains) the operand.
    NotContains,
    /// The same type, and another value.
    NotEqual,
    /// No value. It is the only operator that holds for an absent attribute.
    NotExists,
    /// A text or number of the operands' type that is none of them.
    NotIn,
    /// A semantic version of the same precedence.
    SemverEqual,
    /// A semantic version of higher precedence.
    SemverGreater,
    /// A semantic version of higher precedence, or the same.
    SemverGreaterEqual,
    /// A semantic version of lower precedence.
    SemverLess,
    /// A semantic version of lower precedence, or the same.
    SemverLessEqual,
    /// A text that starts with one of the operands.
    StartsWith,
}

impl Operator {
    /// The keyword in the document, such as `starts_with`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::After => "after",
            Self::Before => "before",
            Self::Contains => "contains",
            Self::EndsWith => "ends_with",
            Self::Equal => "==",
            Self::Exists => "exists",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::In => "in",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Matches => "matches",
            Self::NotContains => "not_contains",
            Self::NotEqual => "!=",
            Self::NotExists => "not_exists",
            Self::NotIn => "not_in",
            Self::SemverEqual => "semver_eq",
            Self::SemverGreater => "semver_gt",
            Self::SemverGreaterEqual => "semver_gte",
            Self::SemverLess => "semver_lt",
            Self::SemverLessEqual => "semver_lte",
            Self::StartsWith => "starts_with",
        }
    }

    /// The operator of a node record. The wire has one kind per type of operand; the document has one `==` for all.
    const fn from_wire(kind: u8, negated: bool) -> Self {
        use wire::node;
        match (kind, negated) {
            (node::AFTER, _) => Self::After,
            (node::BEFORE, _) => Self::Before,
            (node::CONTAINS, false) => Self::Contains,
            (node::CONTAINS, true) => Self::NotContains,
            (node::ENDS_WITH, _) => Self::EndsWith,
            (node::EXISTS, false) => Self::Exists,
            (node::GREATER, _) => Self::Greater,
            (node::GREATER_EQUAL, _) => Self::GreaterEqual,
            (node::IN_NUMBERS | node::IN_STRINGS, false) => Self::In,
            (node::IN_NUMBERS | node::IN_STRINGS, true) => Self::NotIn,
            (node::LESS, _) => Self::Less,
            (node::LESS_EQUAL, _) => Self::LessEqual,
            (node::MATCHES, _) => Self::Matches,
            (node::SEMVER_EQUAL, _) => Self::SemverEqual,
            (node::SEMVER_GREATER, _) => Self::SemverGreater,
            (node::SEMVER_GREATER_EQUAL, _) => Self::SemverGreaterEqual,
            (node::SEMVER_LESS, _) => Self::SemverLess,
            (node::SEMVER_LESS_EQUAL, _) => Self::SemverLessEqual,
            (node::STARTS_WITH, _) => Self::StartsWith,
            (node::EXISTS, true) => Self::NotExists,
            (_, false) => Self::Equal,
            (_, true) => Self::NotEqual,
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The value that a test compares the attribute with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operand<'s> {
    /// `true` or `false`.
    Bool(bool),
    /// No operand: `exists` and `not_exists` compare nothing.
    None,
    /// A finite number.
    Number(f64),
    /// Text, a regular expression as it was written, or a semantic version.
    Text(&'s str),
    /// The time of `before` or `after`, in milliseconds since 1970. It is exact: times lie below 2^53.
    Time(f64),
}

/// A condition of the snapshot.
///
/// [`Rule::conditions`] gives the conditions of a rule, and groups contain further ones.
///
/// ```
/// use flcm_flags::{Node, Operand, Operator, Snapshot};
///
/// let text = "
/// flags:
///   beta: { conditions: [{ any: [{ attribute: age, operator: '>', value: 30 }, { cohort: testers }] }] }";
/// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
/// let snapshot = Snapshot::from_bytes(bytes)?;
/// let flag = snapshot.describe(snapshot.flag("beta").unwrap()).unwrap();
/// let rule = flag.rules().next().unwrap();
/// let Some(Node::Any(mut members)) = rule.conditions().next() else { panic!("a group") };
/// let Some(Node::Test(test)) = members.next() else { panic!("a test") };
/// assert_eq!((test.attribute(), test.operator()), ("age", Operator::Greater));
/// assert_eq!(test.operands().next(), Some(Operand::Number(30.0)));
/// assert!(matches!(members.next(), Some(Node::Cohort(cohort)) if snapshot.cohort_name(cohort) == "testers"));
/// # Ok::<(), flcm_flags::SnapshotError>(())
/// ```
#[derive(Clone, Debug)]
pub enum Node<'s> {
    /// Every member must hold.
    All(Nodes<'s>),
    /// Some member must hold.
    Any(Nodes<'s>),
    /// The user must be a member of a cohort.
    Cohort(CohortId),
    /// Another flag must have decided so.
    Flag(FlagId, Expected),
    /// The member must not hold.
    Not(Nodes<'s>),
    /// An attribute must pass a test.
    Test(Test<'s>),
}

/// A cohort of one snapshot. Ids of two snapshots are unrelated: keep the name, not the id, across an update.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CohortId(pub(crate) u32);

impl CohortId {
    /// The index among the cohorts of the snapshot, below [`Snapshot::cohort_count`](crate::Snapshot::cohort_count).
    #[must_use]
    pub fn index(self) -> usize {
        to_usize(self.0)
    }
}

/// An iterator over conditions of one level: those of a rule, or the members of a group.
#[derive(Clone)]
pub struct Nodes<'s> {
    reader: Reader<'s>,
    next: u32,
    end: u32,
    /// How deep groups may still nest. Hostile bytes may say more, and then the innermost groups are empty.
    depth: u32,
}

impl<'s> Nodes<'s> {
    pub(crate) fn new(reader: Reader<'s>, start: u32, count: u32) -> Self {
        Self { reader, next: start, end: start.wrapping_add(count), depth: wire::MAX_NESTING }
    }

    /// The next record. Members of a group are skipped, not looked at.
    #[inline]
    pub(crate) fn advance(&mut self) -> Option<&'s wire::NodeRecord> {
        if self.next >= self.end {
            return None;
        }
        let record = self.reader.at(sections::NODES, self.next);
        let members = if is_group(record.kind) { record.extra.get() } else { 0 };
        self.next = self.next.wrapping_add(1).saturating_add(members);
        Some(record)
    }

    /// The members of a group that [`advance`](Self::advance) has just returned.
    ///
    /// Hostile bytes may say that they end beyond all numbers: it has none then, because nothing says where they begin.
    pub(crate) fn members(&self, record: &wire::NodeRecord) -> Self {
        let is_empty = self.depth == 0 || self.next == u32::MAX;
        Self {
            next: self.next.wrapping_sub(record.extra.get()),
            end: if is_empty { 0 } else { self.next.min(self.end) },
            depth: self.depth.wrapping_sub(1),
            ..*self
        }
    }

    /// A record as a node with its members.
    fn decode(&self, record: &'s wire::NodeRecord) -> Option<Node<'s>> {
        Some(match record.kind {
            wire::node::ALL => Node::All(self.members(record)),
            wire::node::ANY => Node::Any(self.members(record)),
            wire::node::NOT => Node::Not(self.members(record)),
            wire::node::COHORT => Node::Cohort(CohortId(record.subject.get())),
            wire::node::FLAG => Node::Flag(FlagId(record.subject.get()), record.expected()?),
            _ => Node::Test(self.test(record)),
        })
    }

    /// A record as a test.
    #[inline]
    pub(crate) const fn test(&self, record: &'s wire::NodeRecord) -> Test<'s> {
        Test { reader: self.reader, record }
    }
}

impl wire::NodeRecord {
    /// What a condition on another flag expects of it.
    pub(crate) fn expected(&self) -> Option<Expected> {
        let kind = u8::try_from(self.operand.get()).ok()?;
        Expected::from_wire(kind, u16::try_from(self.extra.get()).ok()?)
    }
}

const fn is_group(kind: u8) -> bool {
    kind <= wire::node::NOT
}

impl<'s> Iterator for Nodes<'s> {
    type Item = Node<'s>;

    fn next(&mut self) -> Option<Node<'s>> {
        let record = self.advance()?;
        self.decode(record)
    }
}

impl fmt::Debug for Nodes<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Nodes({}..{})", self.next, self.end)
    }
}

impl<'s> Rule<'s> {
    /// The conditions of the rule, all of which must hold. Without any, the rule applies to everyone.
    #[must_use]
    pub fn conditions(&self) -> Nodes<'s> {
        self.flag.reader.conditions(self.record)
    }
}

impl<'s> Reader<'s> {
    #[inline]
    pub(crate) fn conditions(self, rule: &wire::RuleRecord) -> Nodes<'s> {
        Nodes::new(self, rule.conditions.get(), rule.condition_count.get())
    }
}

/// A comparison of one attribute: its name, an operator and one or more operands.
#[derive(Clone, Copy)]
pub struct Test<'s> {
    reader: Reader<'s>,
    record: &'s wire::NodeRecord,
}

impl<'s> Test<'s> {
    /// The name of the attribute that is read.
    #[must_use]
    pub fn attribute(&self) -> &'s str {
        self.reader.attribute_name(self.record.subject.get()).unwrap_or_default()
    }

    pub(crate) fn attribute_id(&self) -> AttributeId {
        AttributeId(self.record.subject.get())
    }

    /// How the attribute is compared.
    #[must_use]
    pub fn operator(&self) -> Operator {
        Operator::from_wire(self.record.kind, self.is_negated())
    }

    /// The operands: none for `exists`, one for most operators, all of a list for `in`, `starts_with` and `ends_with`.
    ///
    /// Lists are in the snapshot's order, which need not be that of the document.
    pub fn operands(&self) -> impl Iterator<Item = Operand<'s>> + use<'s> {
        let test = *self;
        let count = match self.record.kind {
            wire::node::IN_NUMBERS | wire::node::IN_STRINGS | wire::node::STARTS_WITH | wire::node::ENDS_WITH => {
                self.record.extra.get()
            }
            wire::node::EXISTS => 0,
            _ => 1,
        };
        (0..count).map(move |offset| test.operand(offset))
    }

    /// Whether the document writes the operands as a list even when there is only one: `in` and `not_in`.
    #[must_use]
    pub fn takes_list(&self) -> bool {
        matches!(self.record.kind, wire::node::IN_NUMBERS | wire::node::IN_STRINGS)
    }

    /// The operand at an offset from the first one.
    fn operand(&self, offset: u32) -> Operand<'s> {
        use wire::node;
        let (reader, id) = (self.reader, self.record.operand.get());
        match self.record.kind {
            node::EXISTS => Operand::None,
            node::EQUAL_BOOL => Operand::Bool(id == 1),
            node::BEFORE | node::AFTER => Operand::Time(reader.number(id)),
            node::EQUAL_NUMBER | node::GREATER..=node::LESS_EQUAL => Operand::Number(reader.number(id)),
            node::IN_NUMBERS => Operand::Number(reader.number(id.wrapping_add(offset))),
            node::MATCHES => {
                Operand::Text(reader.get(sections::PATTERNS, id).map_or("", |pattern| reader.text(pattern.text.get())))
            }
            node::IN_STRINGS | node::STARTS_WITH | node::ENDS_WITH => {
                let id = reader.get(sections::OPERANDS, id.wrapping_add(offset)).map_or(wire::NONE, |id| id.get());
                Operand::Text(reader.text(id))
            }
            _ => Operand::Text(reader.text(id)),
        }
    }

    const fn is_negated(&self) -> bool {
        self.record.negated == 1
    }

    /// What the attribute is.
    pub(crate) fn actual<'c>(&self, context: View<'c>) -> Option<AttributeValue<'c>> {
        context.with_slot(self.reader, self.record.subject.get(), |slot| context.given(slot))
    }

    /// Whether the attribute passes.
    #[inline]
    pub(crate) fn holds(&self, context: View<'_>) -> bool {
        context.with_slot(self.reader, self.record.subject.get(), |slot| self.passes(context, slot))
    }

    /// Whether the attribute of a slot passes. Presence, interned strings and numbers are decided here, from the slot
    /// alone; the rest looks at the value.
    #[inline]
    fn passes(&self, context: View<'_>, slot: &Slot) -> bool {
        use wire::node;
        let held = match self.record.kind {
            node::EXISTS => Some(slot.kind != Kind::Absent),
            // A text that no condition names has no id, so it equals none.
            node::EQUAL_STRING if slot.kind == Kind::Text => Some(slot.string == self.record.operand.get()),
            node::IN_STRINGS if slot.kind == Kind::Text => Some(self.texts().iter().any(|id| id.get() == slot.string)),
            _ if slot.kind == Kind::Number => self.compare_number(slot.number()),
            _ => context.item(slot).and_then(|value| self.search(context, slot, value)),
        };
        // A value of the wrong type makes the negative operator false as well.
        held.is_some_and(|held| held != self.is_negated())
    }

    /// Compares a number, or a time in milliseconds, with the operands. `None` for an operator of another type.
    #[cfg_attr(feature = "compact", inline(never))]
    #[cfg_attr(not(feature = "compact"), inline)]
    #[expect(clippy::float_cmp, reason = "`==` of the document is the equality of IEEE 754")]
    fn compare_number(&self, value: f64) -> Option<bool> {
        use wire::node;
        let operand = self.reader.number(self.record.operand.get());
        match self.record.kind {
            node::EQUAL_NUMBER => Some(value == operand),
            node::GREATER | node::AFTER => Some(value > operand),
            node::GREATER_EQUAL => Some(value >= operand),
            node::LESS | node::BEFORE => Some(value < operand),
            node::LESS_EQUAL => Some(value <= operand),
            node::IN_NUMBERS => {
                let numbers = sections::NUMBERS;
                let list = self.reader.range(numbers, self.record.operand.get(), self.record.extra.get());
                Some(list.iter().any(|number| number.get() == value))
            }
            _ => None,
        }
    }

    /// The operators over booleans, lists and texts that are not interned. `None` when value and operator do not fit.
    #[inline(never)]
    fn search(&self, context: View<'_>, slot: &Slot, value: Item<'_>) -> Option<bool> {
        match value {
            Item::Bool(value) if self.record.kind == wire::node::EQUAL_BOOL => {
                Some(value == (self.record.operand.get() == 1))
            }
            Item::List if self.record.kind == wire::node::CONTAINS => Some(context.list_has(slot, self.text())),
            Item::Text(value) => self.search_text(value),
            _ => None,
        }
    }

    /// The operators that read a text: parts of it, patterns, times and versions. `None` for a text that is no time or
    /// no version where the operator needs one.
    fn search_text(&self, bytes: &[u8]) -> Option<bool> {
        use wire::node;
        match self.record.kind {
            node::CONTAINS => Some(pattern::contains(bytes, self.text())),
            node::STARTS_WITH | node::ENDS_WITH => {
                let is_start = self.record.kind == node::STARTS_WITH;
                let holds = |text: &[u8]| if is_start { bytes.starts_with(text) } else { bytes.ends_with(text) };
                Some(self.texts().iter().any(|id| holds(self.reader.text_bytes(id.get()))))
            }
            node::MATCHES => {
                let pattern = self.reader.at(sections::PATTERNS, self.record.operand.get());
                Some(pattern::is_match(self.reader, pattern, bytes))
            }
            node::BEFORE | node::AFTER => self.compare_number(milliseconds(parse_bytes(bytes)?)),
            node::SEMVER_EQUAL..=node::SEMVER_LESS_EQUAL => {
                version::compare_bytes(bytes, self.text()).map(|order| self.compare_version(order))
            }
            _ => None,
        }
    }

    const fn compare_version(&self, order: Ordering) -> bool {
        use wire::node;
        match order {
            Ordering::Less => self.record.kind >= node::SEMVER_LESS,
            Ordering::Equal => !matches!(self.record.kind, node::SEMVER_GREATER | node::SEMVER_LESS),
            Ordering::Greater => matches!(self.record.kind, node::SEMVER_GREATER | node::SEMVER_GREATER_EQUAL),
        }
    }

    fn text(&self) -> &'s [u8] {
        self.reader.text_bytes(self.record.operand.get())
    }

    fn texts(&self) -> &'s [zerocopy::little_endian::U32] {
        self.reader.range(sections::OPERANDS, self.record.operand.get(), self.record.extra.get())
    }
}

impl fmt::Debug for Test<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Test({} {})", self.attribute(), self.operator())
    }
}

/// Every time of RFC 3339 lies within 2^53 milliseconds of 1970, so the float is exact.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "exact below 2^53")]
const fn milliseconds(time: i64) -> f64 {
    time as f64
}
