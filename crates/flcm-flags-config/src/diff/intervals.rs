//! Exact shares of users for whom a flag changes, counted over buckets and split points.
//!
//! A user is a point in a plane: a bucket, 0 to 99,999, and a split point, below 2^32. A rule takes the buckets below
//! its percentage, and each of its variants takes a range of split points. So both versions divide the plane into
//! rectangles, and a share is a sum of their areas. With different salts the two versions are independent, and the
//! areas are products.

use std::collections::BTreeSet;

use flcm_flags::bucket::BUCKETS;
use flcm_flags::{Flag, Millis, Rule, Serves, Snapshot};
use serde::Serialize;

use super::member::Reach;
use super::moves::{Move, Served};
use crate::explain::text;

/// Split points.
pub(super) const POINTS: u64 = 1 << 32;

/// The area of everyone.
const WHOLE: u64 = BUCKETS as u64 * POINTS;

/// The buckets and split points of one rule.
#[derive(Clone, Debug)]
pub(super) struct Area {
    /// As text; empty for a rule without conditions.
    conditions: String,
    /// The buckets below this one are inside.
    pub(super) end: u32,
    /// The end of each range of split points and what is served there, ascending up to [`POINTS`].
    pub(super) ranges: Vec<(u64, Served)>,
}

/// One version of a flag. The default is a flag that does not exist: off for everyone.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    /// One for each rule; none where the flag is switched off or cannot be read.
    pub(super) areas: Vec<Area>,
    pub(super) off: Served,
    /// The salt and the hashed attribute; `None` for a flag that does not exist.
    draw: Option<(String, Option<String>)>,
}

/// What changes for some users, as shares of them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shares {
    /// The conditions that hold for them, as text; `None` when no rule with conditions applies.
    pub conditions: Option<String>,
    /// Whether the flag has rules with conditions at all, before or after. Not in JSON.
    #[serde(skip)]
    pub flag_has_conditions: bool,
    /// Whether each share is a bound, and may be less: it depends on conditions of flags that this one depends on.
    pub at_most: bool,
    /// Who is turned on.
    pub gain: Share,
    /// Who is turned off.
    pub lose: Share,
    /// Who gets another variant.
    pub switch: Share,
    /// Who gets another value, on or off as before and of the same variant.
    pub value: Share,
}

/// An exact share: `part / whole`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// In percent, rounded.
    #[serde(serialize_with = "crate::parse::json::serialize_number")]
    pub percent: f64,
    /// As text in JSON, because JavaScript's numbers end at 2^53.
    #[serde(serialize_with = "as_text")]
    pub part: u128,
    /// Never 0. As text in JSON too.
    #[serde(serialize_with = "as_text")]
    pub whole: u128,
}

fn as_text<S: serde::Serializer>(number: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

impl Share {
    #[expect(clippy::cast_precision_loss, reason = "for display; the exact numbers stand beside it")]
    fn new(part: u128, whole: u128) -> Self {
        Self { percent: part as f64 / whole as f64 * 100.0, part, whole }
    }
}

impl Side {
    pub(super) fn new<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, flag: Flag<'_>, now: Millis) -> Self {
        let default = flag.default_value().map(text::json_of_value);
        let off = Served {
            enabled: default == Some(serde_json::Value::Bool(true)),
            variant: None,
            value: default.map(|value| value.to_string()),
        };
        let draw = Some((flag.salt().to_owned(), flag.by().map(str::to_owned)));
        let mut side = Self { areas: Vec::new(), off, draw };
        if flag.is_readable() && flag.enabled() {
            side.areas = flag.rules().map(|rule| side.area(snapshot, flag, rule, now)).collect();
        }
        side
    }

    fn area<B: AsRef<[u8]>>(&self, snapshot: &Snapshot<B>, flag: Flag<'_>, rule: Rule<'_>, now: Millis) -> Area {
        let (end, ranges) = match rule.serves() {
            Serves::CohortOff => (BUCKETS, vec![(POINTS, self.off.clone())]),
            Serves::CohortOn => (BUCKETS, ranges(flag, rule)),
            Serves::Everyone | Serves::On => (rule.percentage_at(now), ranges(flag, rule)),
        };
        Area { conditions: text::conditions(snapshot, rule.conditions()), end, ranges }
    }

    /// The areas for users for whom only these conditions hold, or none.
    fn applicable(&self, conditions: Option<&str>) -> Vec<&Area> {
        let applies = |area: &&Area| area.conditions.is_empty() || Some(area.conditions.as_str()) == conditions;
        self.areas.iter().filter(applies).collect()
    }
}

fn ranges(flag: Flag<'_>, rule: Rule<'_>) -> Vec<(u64, Served)> {
    let on = |value: Option<flcm_flags::Value<'_>>, variant: Option<&str>| Served {
        enabled: true,
        variant: variant.map(str::to_owned),
        value: value.or_else(|| flag.on_value()).map(|value| text::json_of_value(value).to_string()),
    };
    let shares: Vec<(u16, u32)> = rule.shares().collect();
    let Some(&(_, total)) = shares.last() else { return vec![(POINTS, on(None, None))] };
    let range = |(index, cumulative): (u16, u32)| {
        let variant = flag.variant(index);
        let served = on(variant.and_then(|variant| variant.value()), variant.map(|variant| variant.name()));
        (boundary(cumulative, total), served)
    };
    shares.into_iter().map(range).collect()
}

/// The first split half that is not below `cumulative`: `(s * total) >> 32 >= cumulative`.
fn boundary(cumulative: u32, total: u32) -> u64 {
    (u64::from(cumulative) << 32).div_ceil(u64::from(total))
}

/// The shares by class of users. Classes for which nothing changes are left out.
pub(super) fn shares(old: &Side, new: &Side) -> Vec<Shares> {
    let conditions = conditions_of(old, new);
    let flag_has_conditions = !conditions.is_empty();
    let classes = conditions.into_iter().map(Some).chain([None]);
    classes.filter_map(|class| Areas::of(old, new, class).shares(class, flag_has_conditions)).collect()
}

/// The different conditions of the rules of both versions.
fn conditions_of<'s>(old: &'s Side, new: &'s Side) -> BTreeSet<&'s str> {
    let all = old.areas.iter().chain(&new.areas).map(|area| area.conditions.as_str());
    all.filter(|conditions| !conditions.is_empty()).collect()
}

/// Areas by what changes in them.
#[derive(Clone, Debug, Default)]
pub(super) struct Areas {
    gain: u128,
    lose: u128,
    switch: u128,
    value: u128,
    whole: u128,
    at_most: bool,
}

impl Areas {
    /// The areas of users for whom only these conditions hold, or none.
    fn of(old: &Side, new: &Side, conditions: Option<&str>) -> Self {
        let (before, after) = (old.applicable(conditions), new.applicable(conditions));
        let independent = old.draw.is_some() && new.draw.is_some() && old.draw != new.draw;
        let mut areas = Self::default();
        if independent {
            areas.multiply(&distribution(&before, &old.off), &distribution(&after, &new.off));
        } else {
            areas.overlay((&before, &old.off), (&after, &new.off));
        }
        areas
    }

    /// Bounds, from how many buckets may be on in each version, and what is served there.
    pub(super) fn bound([old, new]: &[Reach<'_>; 2]) -> Self {
        let on = |reach: &Reach<'_>| u128::from(if reach.off.enabled { BUCKETS } else { reach.end });
        let (lose, gain) = (on(old), on(new));
        let is = |what: Move| move |(before, after): (&Served, &Served)| Move::of(before, after) == what;
        let pairs = || old.outcomes.iter().flat_map(|before| new.outcomes.iter().map(move |after| (before, after)));
        let may = |what: Move| pairs().any(is(what));
        let both = |what| if may(what) { lose.min(gain) } else { 0 };
        let all_off = Move::of(old.off, new.off) == Move::Value;
        let value = if all_off { BUCKETS.into() } else { both(Move::Value) };
        Self { gain, lose, switch: both(Move::Switch), value, whole: BUCKETS.into(), at_most: true }
    }

    /// The larger one of each, of areas with the same whole.
    pub(super) fn or_larger(self, other: &Self) -> Self {
        let parts = |areas: &Self| [areas.gain, areas.lose, areas.switch, areas.value];
        Self {
            gain: self.gain.max(other.gain),
            lose: self.lose.max(other.lose),
            switch: self.switch.max(other.switch),
            value: self.value.max(other.value),
            whole: self.whole,
            at_most: self.at_most || parts(&self) != parts(other),
        }
    }

    /// The same shares in smaller numbers: none is above that of two independent draws.
    pub(super) fn reduced(mut self) -> Self {
        const LARGEST: u128 = WHOLE as u128 * WHOLE as u128;
        let parts = |areas: &mut Self, change: &dyn Fn(u128) -> u128| {
            for part in [&mut areas.gain, &mut areas.lose, &mut areas.switch, &mut areas.value] {
                *part = change(*part);
            }
        };
        let divisor = [self.gain, self.lose, self.switch, self.value].into_iter().fold(self.whole, gcd).max(1);
        parts(&mut self, &|part| part / divisor);
        self.whole /= divisor;
        while self.whole > LARGEST {
            self.at_most = true;
            parts(&mut self, &|part| part.div_ceil(2));
            self.whole /= 2;
        }
        self
    }

    pub(super) fn add(&mut self, old: &Served, new: &Served, area: u128) {
        self.whole += area;
        match Move::of(old, new) {
            Move::Gain => self.gain += area,
            Move::Lose => self.lose += area,
            Move::Same => {}
            Move::Switch => self.switch += area,
            Move::Value => self.value += area,
        }
    }

    /// Overlays both versions, which have the same buckets.
    fn overlay(&mut self, (old, old_off): (&[&Area], &Served), (new, new_off): (&[&Area], &Served)) {
        let ends: BTreeSet<u32> = old.iter().chain(new).map(|area| area.end).chain([0, BUCKETS]).collect();
        let ends: Vec<u32> = ends.into_iter().collect();
        for gate in ends.windows(2) {
            let (before, after) = (at(old, old_off, gate[0]), at(new, new_off, gate[0]));
            let points = before.iter().chain(&after).map(|(end, _)| *end).chain([0]);
            let points: Vec<u64> = points.collect::<BTreeSet<u64>>().into_iter().collect();
            for split in points.windows(2) {
                let area = u128::from(gate[1] - gate[0]) * u128::from(split[1] - split[0]);
                self.add(holding(&before, split[0]), holding(&after, split[0]), area);
            }
        }
    }

    /// Multiplies both versions, which have independent buckets.
    fn multiply(&mut self, old: &[(Served, u64)], new: &[(Served, u64)]) {
        for (before, old_area) in old {
            for (after, new_area) in new {
                self.add(before, after, u128::from(*old_area) * u128::from(*new_area));
            }
        }
    }

    pub(super) fn shares(&self, conditions: Option<&str>, flag_has_conditions: bool) -> Option<Shares> {
        let share = |part| Share::new(part, self.whole);
        let Self { gain, lose, switch, value, at_most, .. } = *self;
        (gain + lose + switch + value > 0).then(|| Shares {
            conditions: conditions.map(str::to_owned),
            flag_has_conditions,
            at_most,
            gain: share(gain),
            lose: share(lose),
            switch: share(switch),
            value: share(value),
        })
    }
}

/// The greatest common divisor.
pub(super) const fn gcd(mut one: u128, mut other: u128) -> u128 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

/// What a bucket gets: from the first rule that includes it.
fn at<'s>(areas: &[&'s Area], off: &'s Served, bucket: u32) -> Vec<(u64, &'s Served)> {
    match areas.iter().find(|area| bucket < area.end) {
        Some(area) => area.ranges.iter().map(|(end, served)| (*end, served)).collect(),
        None => vec![(POINTS, off)],
    }
}

fn holding<'s>(ranges: &[(u64, &'s Served)], point: u64) -> &'s Served {
    let index = ranges.partition_point(|(end, _)| *end <= point).min(ranges.len() - 1);
    ranges[index].1
}

/// What is served, and the area that gets it.
fn distribution(areas: &[&Area], off: &Served) -> Vec<(Served, u64)> {
    let mut all = Vec::new();
    let mut start = 0;
    for area in areas.iter().filter(|area| area.end > 0) {
        let buckets = u64::from(area.end.saturating_sub(start));
        let mut below = 0;
        for (end, served) in &area.ranges {
            all.push((served.clone(), buckets * (end - below)));
            below = *end;
        }
        start = start.max(area.end);
    }
    all.push((off.clone(), WHOLE - u64::from(start) * POINTS));
    all
}

#[cfg(test)]
mod tests {
    use flcm_flags::bucket::{BUCKETS, Draw};
    use flcm_flags::{Flag, Millis, Rule, Serves, Snapshot};

    use super::{Move, POINTS, Side, boundary, shares};

    /// The draw whose upper half is the first of a bucket and whose lower half is `point`: `mix` is a bijection.
    fn draw(bucket: u32, point: u64) -> Draw {
        let half = (u64::from(bucket) << 32).div_ceil(u64::from(BUCKETS));
        let mut z = (half << 32) | point;
        z ^= (z >> 31) ^ (z >> 62);
        z = z.wrapping_mul(0x3196_42b2_d24d_8ec3);
        z ^= (z >> 27) ^ (z >> 54);
        z = z.wrapping_mul(0x96de_1b17_3f11_9089);
        z ^= (z >> 30) ^ (z >> 60);
        let draw = Draw::new(z, 0);
        assert_eq!((draw.gate(), draw.hash() & 0xffff_ffff), (bucket, point));
        draw
    }

    fn snapshot(flag: &str) -> Snapshot<Vec<u8>> {
        let (config, diagnostics) = crate::check(&format!("flags: {{ a: {flag} }}"));
        let config = config.unwrap_or_else(|| panic!("{diagnostics:?}"));
        Snapshot::from_bytes(crate::compile(&config)).unwrap()
    }

    fn side(snapshot: &Snapshot<Vec<u8>>) -> (Flag<'_>, Side) {
        let flag = snapshot.describe(snapshot.flag("a").unwrap()).unwrap();
        (flag, Side::new(snapshot, flag, Millis(500)))
    }

    /// What a draw gets, by the definition: the variant's name, or `None` for off.
    fn served(flag: Flag<'_>, holds: impl Fn(&Rule<'_>) -> bool, draw: Draw) -> (bool, Option<&str>) {
        for rule in flag.rules().filter(holds) {
            if rule.serves() != Serves::On || draw.gate() < rule.percentage_at(Millis(500)) {
                let total = rule.shares().last().map_or(1, |(_, cumulative)| cumulative);
                let drawn = rule.shares().find(|(_, cumulative)| draw.split(total) < *cumulative);
                return (true, drawn.and_then(|(index, _)| flag.variant(index)).map(|variant| variant.name()));
            }
        }
        (false, None)
    }

    const VERSIONS: [&str; 5] = [
        "{ rollout: { percentage: 10 }, variants: [{ name: x, weight: 1 }, { name: y, weight: 3 }] }",
        "{ rollout: { percentage: 33.333 }, variants: [{ name: y, weight: 5 }, { name: z, weight: 2 }, { name: x, weight: 1 }] }",
        "{ rollout: { percentage: 0, schedule: [{ at: 1970-01-01T00:00:00Z, percentage: 20 }, \
           { at: 1970-01-01T00:00:01Z, percentage: 90.001 }], ramp: linear } }",
        "{ rules: [{ conditions: [{ attribute: n, operator: exists }], percentage: 50, variant: x }, { percentage: 25 }], \
           variants: [{ name: x, weight: 8 }, { name: y, weight: 8 }] }",
        "{ rules: [{ percentage: 5, variant: y }, { conditions: [{ attribute: n, operator: exists }], percentage: 75 }], \
           variants: [{ name: x, weight: 1 }, { name: y, weight: 1 }] }",
    ];

    /// All 100,000 buckets; of the split points one in each sixteenth, which is exact for weights that sum up to one.
    #[test]
    fn shares_are_those_of_brute_force() {
        const CELLS: u64 = 16;
        for (old, new) in [(0, 1), (1, 0), (0, 2), (2, 3), (3, 4), (4, 3), (1, 1)] {
            let (old, new) = (snapshot(VERSIONS[old]), snapshot(VERSIONS[new]));
            let ((old, old_side), (new, new_side)) = (side(&old), side(&new));
            let all = shares(&old_side, &new_side);
            let conditional = [old, new].iter().any(|flag| flag.rules().any(|rule| rule.conditions().next().is_some()));
            for with in [false, true].into_iter().filter(|with| !*with || conditional) {
                let holds = |rule: &Rule<'_>| with || rule.conditions().next().is_none();
                let mut counted = [0_u128; 3];
                for bucket in 0..BUCKETS {
                    for cell in 0..CELLS {
                        let draw = draw(bucket, cell * (POINTS / CELLS) + u64::from(bucket) * 2_654 % (POINTS / CELLS));
                        match (served(old, holds, draw), served(new, holds, draw)) {
                            ((false, _), (true, _)) => counted[0] += 1,
                            ((true, _), (false, _)) => counted[1] += 1,
                            (before, after) => counted[2] += u128::from(before != after),
                        }
                    }
                }
                let reported = all.iter().find(|shares| shares.conditions.is_some() == with);
                let reported =
                    reported.map_or([0; 3], |shares| [shares.gain.part, shares.lose.part, shares.switch.part]);
                let counted = counted.map(|count| count * u128::from(POINTS / CELLS));
                assert_eq!(reported, counted, "{old:?} → {new:?}, conditions {with}");
            }
        }
    }

    #[test]
    fn a_boundary_is_where_the_draw_changes() {
        for total in [1, 2, 3, 7, 100, 65_537, 1 << 20, 256 << 20] {
            for cumulative in [1, total / 3, total / 2, total - 1, total].into_iter().filter(|sum| *sum > 0) {
                let end = boundary(cumulative, total);
                assert!(draw(0, end - 1).split(total) < cumulative, "{cumulative} of {total}");
                assert!(end == POINTS || draw(0, end).split(total) >= cumulative, "{cumulative} of {total}");
            }
        }
    }

    #[test]
    fn another_salt_draws_anew() {
        let old = snapshot("{ rollout: { percentage: 10 } }");
        let new = snapshot("{ salt: pepper, rollout: { percentage: 30 } }");
        let all = shares(&side(&old).1, &side(&new).1);
        let share = |share: super::Share| share.part * 100 / share.whole;
        assert_eq!((share(all[0].gain), share(all[0].lose)), (27, 7));
    }

    #[test]
    fn what_stands_for_nothing_is_off() {
        let new = snapshot("{ rollout: { percentage: 12.5 } }");
        let all = shares(&Side::default(), &side(&new).1);
        assert_eq!((all[0].gain.part * 8, all[0].lose.part), (all[0].gain.whole, 0));
        let (none, on) = (super::Served::default(), super::Served { enabled: true, ..super::Served::default() });
        assert_eq!((Move::of(&none, &on), Move::of(&on, &none)), (Move::Gain, Move::Lose));
    }
}
