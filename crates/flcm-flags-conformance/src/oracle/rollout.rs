//! Percentages: the schedule, and who is inside.

/// The percentage at a time, in thousandths of a percent.
///
/// Before the first entry it is `percentage`, from the last entry on it is the last entry's. In between it is that of
/// the last entry with `at <= now`, or when `linear` `p0 + floor((p1 - p0) * (now - t0) / (t1 - t0))`.
#[must_use]
pub fn percentage_at(percentage: u32, schedule: &[(u64, u32)], linear: bool, now: u64) -> u32 {
    let past: Vec<&(u64, u32)> = schedule.iter().filter(|(at, _)| *at <= now).collect();
    let Some((t0, p0)) = past.last() else { return percentage };
    match schedule.get(past.len()) {
        Some((t1, p1)) if linear => {
            let [t0, p0, t1, p1] = [i128::from(*t0), i128::from(*p0), i128::from(*t1), i128::from(*p1)];
            let on_the_line = p0 + floor_div((p1 - p0) * (i128::from(now) - t0), t1 - t0);
            u32::try_from(on_the_line).expect("between the two percentages")
        }
        _ => *p0,
    }
}

/// Whether a user is inside a percentage: a bucket is inside when it is below; no bucket is inside 100 % alone.
#[must_use]
pub fn is_inside(bucket: Option<u32>, percentage: u32) -> bool {
    match bucket {
        Some(bucket) => bucket < percentage,
        None => percentage == super::WHOLE,
    }
}

/// Division that rounds toward negative infinity, for a positive divisor.
fn floor_div(dividend: i128, divisor: i128) -> i128 {
    let towards_zero = dividend / divisor;
    if dividend % divisor < 0 { towards_zero - 1 } else { towards_zero }
}
