//! Estimates are as close as they say.

use fastrand::Rng;
use flcm_flags::bucket::sip;
use flcm_flags::metrics::{Distinct, Histogram};

use super::{STANDARD_ERROR, duration};

#[test]
fn users_are_counted_within_four_standard_errors() {
    let counts = [1, 2, 10, 100, 1_000, 2_500, 5_000, 10_000, 100_000, 1_000_000, 10_000_000];
    let mut distinct = Distinct::new();
    let mut reached = 0;
    for count in counts {
        (reached..count).for_each(|user: u32| distinct.insert(sip(format!("user-{user}").as_bytes())));
        reached = count;
        let error = distinct.estimate() / f64::from(count) - 1.0;
        assert!(error.abs() < 4.0 * STANDARD_ERROR, "{count} users: {error:+.4}");
    }
}

#[test]
fn users_are_counted_without_bias_at_any_cardinality() {
    const RUNS: u32 = 400;
    // Where older estimators are biased: around two and a half times the registers.
    let counts = [100_u32, 500, 1_000, 2_000, 3_000, 4_000, 5_120, 6_000, 7_000, 8_000, 9_000, 10_000, 20_000, 50_000];
    let mut errors = counts.map(|_| Vec::new());
    for run in 0..RUNS {
        let (mut rng, mut distinct, mut reached) = (Rng::with_seed(run.into()), Distinct::new(), 0);
        for (count, errors) in counts.iter().zip(&mut errors) {
            (reached..*count).for_each(|_| distinct.insert(rng.u64(..)));
            reached = *count;
            errors.push(distinct.estimate() / f64::from(*count) - 1.0);
        }
    }
    for (count, errors) in counts.iter().zip(&errors) {
        let mean = errors.iter().sum::<f64>() / f64::from(RUNS);
        let spread = (errors.iter().map(|error| error * error).sum::<f64>() / f64::from(RUNS)).sqrt();
        println!("{count} users: mean error {:+.3} %, standard error {:.2} %", 100.0 * mean, 100.0 * spread);
        assert!(mean.abs() < 0.005, "{count} users: a bias of {mean:+.4}");
        assert!(spread < 1.1 * STANDARD_ERROR, "{count} users: a standard error of {spread:.4}");
    }
}

#[test]
fn quantiles_are_within_3_2_percent() {
    let mut worst = 0.0_f64;
    for seed in 0..40 {
        let mut rng = Rng::with_seed(seed);
        let mut values: Vec<f64> = (0..rng.usize(1..20_000)).map(|_| duration(&mut rng)).collect();
        let mut histogram = Histogram::new();
        assert!(values.iter().all(|value| histogram.record(*value)));
        values.sort_by(f64::total_cmp);
        let many = f64::from(u32::try_from(values.len()).expect("a small number"));
        for share in [0.0, 0.001, 0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0].into_iter().chain([rng.f64()]) {
            let rank = values.iter().zip(1_u32..).position(|(_, rank)| f64::from(rank) >= share * many);
            let exact = values[rank.expect("a rank")];
            let error = (histogram.quantile(share) / exact - 1.0).abs();
            assert!(error <= 0.032, "seed {seed}: {share} of {many}: {error}");
            worst = worst.max(error);
        }
        let mean = values.iter().sum::<f64>() / many;
        assert!((histogram.mean() - mean).abs() <= 1.0 / 2048.0, "seed {seed}: a mean is nearly exact");
        assert_eq!((histogram.min(), histogram.max()), (values[0], values[values.len() - 1]));
    }
    assert!(worst > 0.025, "errors are as large as the buckets say: {worst}");
}

#[test]
fn quantiles_stay_between_the_extremes() {
    for values in [&[0.0][..], &[1e-9, 1e-8], &[1e9, 1e12], &[0.0, f64::MAX], &[5.0; 9]] {
        let mut histogram = Histogram::new();
        assert!(values.iter().all(|value| histogram.record(*value)));
        for share in [-1.0, 0.0, 0.3, 0.5, 1.0, 2.0, f64::NAN] {
            let value = histogram.quantile(share);
            assert!((values[0]..=values[values.len() - 1]).contains(&value), "{share} of {values:?}: {value}");
        }
        let mean = histogram.mean();
        assert!((values[0]..=values[values.len() - 1]).contains(&mean), "{values:?}: {mean}");
    }
}
