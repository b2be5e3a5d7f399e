//! Suggestions: interventions that answer what puts somebody's success at risk, or that use what goes well.

use crate::customer::intervention::InterventionKind;
use crate::customer::risk::{FactorKind, Risk};

/// Severity from which a factor is answered.
const TELLING: f64 = 0.25;
/// Schedule performance index (SPI) from which somebody is fast enough for the fast track.
pub const FAST_SPI: f64 = 1.2;

/// Suggested intervention, with the factor that it answers; `None` if it is for what goes well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suggestion {
    /// Kind of intervention.
    pub kind: InterventionKind,
    /// Factor that it answers.
    pub factor: Option<FactorKind>,
}

/// Returns the intervention that answers a factor.
const fn answer(factor: FactorKind) -> InterventionKind {
    match factor {
        FactorKind::MilestoneDelay => InterventionKind::PlanAdjustment,
        FactorKind::EngagementDecline | FactorKind::GoneSilent => InterventionKind::Coaching,
        FactorKind::NeverActivated => InterventionKind::Resources,
        FactorKind::FailedAttempts | FactorKind::SupportEscalations => InterventionKind::ExpertSession,
        FactorKind::CommunityWithdrawal => InterventionKind::PeerMentor,
    }
}

/// Returns the interventions that are suggested, each kind once: those that answer the factors with the most points first. Where nothing is at risk
/// and the plan is ahead of its schedule, it is the fast track.
pub fn suggest(risk: &Risk, spi: Option<f64>) -> Vec<Suggestion> {
    let mut telling: Vec<_> =
        risk.factors.iter().filter(|one| one.severity.is_some_and(|severity| severity >= TELLING)).collect();
    telling.sort_by(|one, other| other.points.total_cmp(&one.points));
    let mut found: Vec<Suggestion> = vec![];
    for factor in telling {
        let kind = answer(factor.kind);
        if !found.iter().any(|one| one.kind == kind) {
            found.push(Suggestion { kind, factor: Some(factor.kind) });
        }
    }
    if found.is_empty() && spi.is_some_and(|spi| spi >= FAST_SPI) {
        found.push(Suggestion { kind: InterventionKind::FastTrack, factor: None });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::risk::FactorFinding;

    #[test]
    fn each_factor_has_its_answer() {
        use InterventionKind::{Coaching, ExpertSession, FastTrack, PlanAdjustment};
        let finding =
            |kind, severity, points| FactorFinding { kind, severity, points, found: 0.0, compared_with: None };
        let risk = |factors| Risk { indicators: vec![], factors, points: 0.0, active_share: 0.0 };
        let kinds = |risk: &Risk, spi| suggest(risk, spi).iter().map(|one| one.kind).collect::<Vec<_>>();
        let late = risk(vec![
            finding(FactorKind::MilestoneDelay, Some(0.5), 10.0),
            finding(FactorKind::EngagementDecline, Some(0.2), 4.0),
            finding(FactorKind::GoneSilent, Some(1.0), 30.0),
            finding(FactorKind::FailedAttempts, Some(0.5), 5.0),
            finding(FactorKind::SupportEscalations, Some(1.0), 15.0),
            finding(FactorKind::CommunityWithdrawal, None, 0.0),
        ]);
        assert_eq!(kinds(&late, Some(2.0)), [Coaching, ExpertSession, PlanAdjustment]);
        let well = risk(vec![finding(FactorKind::MilestoneDelay, Some(0.0), 0.0)]);
        assert_eq!(kinds(&well, Some(1.2)), [FastTrack]);
        assert_eq!((kinds(&well, Some(1.1)), kinds(&well, None)), (vec![], vec![]));
    }
}
