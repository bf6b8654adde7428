//! When and how flags roll back.

use flcm_flags::Policy;
use flcm_flags::snapshot::wire::{self, PolicyDetailRecord, PolicyRecord};
use zerocopy::IntoBytes;
use zerocopy::little_endian::{F64, U32};

use super::Compiler;
use crate::compile::writer::id;
use crate::config::Flag;

impl Compiler<'_> {
    pub(super) fn policy(&mut self, flag: &Flag) -> U32 {
        let Some(policy) = &flag.error_threshold else { return U32::new(wire::NONE) };
        self.sections.policies.push(PolicyRecord {
            rate: F64::new(policy.rate),
            window: U32::new(policy.window),
            min_samples: U32::new(policy.min_samples),
            cooldown: U32::new(policy.cooldown),
            probe: U32::new(policy.probe),
        });
        id(self.sections.policies.len() - 1)
    }

    /// The details of all policies, in their order. They are left out if all are the default, so that older documents
    /// keep their bytes.
    pub(super) fn policy_details(&mut self) {
        let policies = self.config.flags.values().filter_map(|flag| flag.error_threshold.as_ref());
        let details: Vec<PolicyDetailRecord> = policies.map(detail).collect();
        let default = detail(&Policy::DEFAULT);
        if details.iter().any(|detail| detail.as_bytes() != default.as_bytes()) {
            self.sections.policy_details = details;
        }
    }
}

fn detail(policy: &Policy) -> PolicyDetailRecord {
    PolicyDetailRecord {
        detector: policy.detector.code(),
        recovery: policy.recovery.code(),
        action: policy.action.code(),
        shared: policy.shared.code() | (policy.evidence.code() << 4),
        slow_ms: U32::new(policy.slow_ms),
        slow_rate: F64::new(policy.slow_rate),
        ratio: F64::new(policy.ratio),
        margin: F64::new(policy.margin),
        budget: F64::new(policy.budget),
    }
}
