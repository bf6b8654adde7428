//! Who is asking: a targeting key and attributes, borrowed from the caller and resolved once against a snapshot.

use crate::bucket::sip;
use crate::snapshot::{Reader, Snapshot, to_usize, wire};
use crate::value::{AttributeValue, Decimal};

/// Attributes of this many names are resolved when a context is bound; the compiler gives the lowest ids to those that
/// most conditions read. Those beyond are found by a search, each time they are read.
const SLOTS: usize = 32;

/// The attribute that always reads the targeting key.
const USER_ID: &str = "user_id";

/// The attribute that names the cohorts that the host puts this user in.
const COHORTS: &str = "cohorts";

/// A targeting key and attributes, borrowed.
///
/// ```
/// use flcm_flags::Context;
/// let context = Context::new(Some("alice"), &[("country", "DE".into()), ("age", 45.into())]);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    targeting_key: Option<&'a str>,
    attributes: &'a [(&'a str, AttributeValue<'a>)],
}

impl<'a> Context<'a> {
    /// A context of a targeting key (the user id; may be absent or empty) and named attributes. Of two attributes with
    /// one name the later counts.
    #[must_use]
    pub const fn new(targeting_key: Option<&'a str>, attributes: &'a [(&'a str, AttributeValue<'a>)]) -> Self {
        Self { targeting_key, attributes }
    }

    /// Resolves the context against a snapshot, so that decisions compare integers. It allocates nothing.
    ///
    /// The bound context belongs to that snapshot; with another one every decision is an `INVALID_CONTEXT` error.
    #[must_use]
    pub fn bind<B: AsRef<[u8]>>(&self, snapshot: &Snapshot<B>) -> BoundContext<'a> {
        BoundContext::new(*self, snapshot.reader())
    }
}

/// A [`Context`] whose strings are resolved against one snapshot.
#[derive(Clone, Copy, Debug)]
pub struct BoundContext<'a> {
    pub(crate) snapshot: u64,
    context: Context<'a>,
    digest: Option<u64>,
    cohorts: &'a [&'a str],
    slots: [Slot; SLOTS],
}

/// What is known of one attribute.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Digest, where some flag hashes the attribute and it can be hashed.
    digest: Option<u64>,
    /// Position among the context's attributes, [`USER`] or [`wire::NONE`].
    position: u32,
    /// Interned string, or [`wire::NONE`] when no condition compares with it.
    string: u32,
}

/// The position of the targeting key.
const USER: u32 = wire::NONE - 1;

impl Slot {
    const ABSENT: Self = Self { digest: None, position: wire::NONE, string: wire::NONE };
}

impl<'a> BoundContext<'a> {
    fn new(context: Context<'a>, reader: Reader<'_>) -> Self {
        let mut bound = Self {
            snapshot: reader.layout.digest,
            context,
            digest: context.targeting_key.map(|key| sip(key.as_bytes())),
            cohorts: &[],
            slots: [Slot::ABSENT; SLOTS],
        };
        for (position, (name, value)) in (0_u32..).zip(context.attributes) {
            if let (&COHORTS, AttributeValue::List(cohorts)) = (name, value) {
                bound.cohorts = cohorts;
            }
            if is_present(*value) {
                bound.fill(reader, name, position, *value);
            }
        }
        if let Some(key) = context.targeting_key {
            bound.fill(reader, USER_ID, USER, AttributeValue::Text(key));
        }
        bound
    }

    fn fill(&mut self, reader: Reader<'_>, name: &str, position: u32, value: AttributeValue<'a>) {
        let Some(id) = reader.find_attribute(name) else { return };
        let Some(slot) = self.slots.get_mut(to_usize(id)) else { return };
        let uses = reader.get(&reader.layout.attributes, id).map_or(0, |attribute| attribute.uses);
        let used = |bit| uses & bit != 0;
        *slot = Slot {
            digest: if used(wire::attribute::HASHED) { digest(value) } else { None },
            // Whatever the host calls `user_id`, the targeting key is what that name reads.
            position: if position != USER && name == USER_ID { wire::NONE } else { position },
            string: if used(wire::attribute::INTERNED) { intern(reader, value) } else { wire::NONE },
        };
    }

    /// The targeting key.
    #[must_use]
    pub fn targeting_key(&self) -> Option<&'a str> {
        self.context.targeting_key
    }

    /// The digest of the targeting key.
    pub(crate) fn user_digest(&self) -> Option<u64> {
        self.digest
    }

    /// The cohorts that the host puts this user in.
    pub(crate) fn cohorts(&self) -> &'a [&'a str] {
        self.cohorts
    }

    /// The digest of what a flag hashes: the targeting key, or the attribute `by`.
    pub(crate) fn unit_digest(&self, reader: Reader<'_>, by: u32) -> Option<u64> {
        if by == wire::NONE {
            return self.digest;
        }
        match self.slots.get(to_usize(by)) {
            Some(slot) => slot.digest,
            None => self.search(reader, by).and_then(digest),
        }
    }

    /// The value of an attribute; `None` when it is absent.
    pub(crate) fn read(&self, reader: Reader<'_>, id: u32) -> Option<AttributeValue<'a>> {
        match self.slots.get(to_usize(id)) {
            Some(slot) if slot.position == USER => self.context.targeting_key.map(AttributeValue::Text),
            Some(slot) => self.context.attributes.get(to_usize(slot.position)).map(|(_, value)| *value),
            None => self.search(reader, id),
        }
    }

    /// The interned id of the text `value` of an attribute, or [`wire::NONE`] when no condition names that text.
    pub(crate) fn read_string(&self, reader: Reader<'_>, id: u32, value: &str) -> u32 {
        match self.slots.get(to_usize(id)) {
            Some(slot) => slot.string,
            None => intern(reader, AttributeValue::Text(value)),
        }
    }

    #[cold]
    fn search(&self, reader: Reader<'_>, id: u32) -> Option<AttributeValue<'a>> {
        let wanted = reader.attribute_name(id)?;
        if wanted == USER_ID {
            return self.context.targeting_key.map(AttributeValue::Text);
        }
        let named = |(name, value): &&(&str, AttributeValue<'_>)| *name == wanted && is_present(*value);
        self.context.attributes.iter().rfind(named).map(|(_, value)| *value)
    }
}

fn is_present(value: AttributeValue<'_>) -> bool {
    !matches!(value, AttributeValue::Number(number) if !number.is_finite())
}

fn intern(reader: Reader<'_>, value: AttributeValue<'_>) -> u32 {
    match value {
        AttributeValue::Text(text) => reader.find_operand(text).unwrap_or(wire::NONE),
        _ => wire::NONE,
    }
}

/// The digest of an attribute: of a text's bytes, or of an integer's decimal text. Nothing else can be hashed.
fn digest(value: AttributeValue<'_>) -> Option<u64> {
    match value {
        AttributeValue::Text(text) => Some(sip(text.as_bytes())),
        AttributeValue::Number(number) => Decimal::new(number).map(|decimal| sip(decimal.as_bytes())),
        AttributeValue::Bool(_) | AttributeValue::List(_) => None,
    }
}
