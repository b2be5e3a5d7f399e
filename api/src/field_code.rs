//! Codes of what can be wrong with a field or parameter: the one list, shown at `/docs/problems` and in the document.
//!
//! The domain's rules name their codes themselves; a test holds them against this list, and so every code has a meaning here.

/// A code, its meaning and an example of its text.
#[derive(Debug, Clone, Copy)]
pub struct FieldCode {
    /// The code. It does not change; new ones may be added.
    pub code: &'static str,
    /// Its meaning.
    pub meaning: &'static str,
    /// An example of the text that comes with it, to be read after the name of the field.
    pub example: &'static str,
}

/// Every code, in alphabetical order.
pub const FIELD_CODES: &[FieldCode] = &[
    of("active", "What applies at present cannot be archived.", "is active: deactivate it first"),
    of(
        "after_work_began",
        "A start date lies after the day on which work began.",
        "must not be after 2026-03-09, when work began",
    ),
    of(
        "already_awarded",
        "The person holds the badge.",
        "is held by the person already: renew that award, or revoke it first",
    ),
    of("already_recorded", "The same record exists.", "is already recorded"),
    of(
        "already_scored",
        "Another model has scored the days since.",
        "must not be before 2026-03-02, when a model was last activated or deactivated",
    ),
    of(
        "alternative_has_date",
        "An alternative of a pathway has a date.",
        "must have no date: paper is an alternative, and its pathway has the date",
    ),
    of(
        "alternative_twice",
        "A milestone is an alternative in two pathways.",
        "must be an alternative in one pathway only: paper",
    ),
    of(
        "ambiguous",
        "Two fields name the same thing in different ways.",
        "give either customer_id or customer_ref, not both",
    ),
    of("archived", "What is archived cannot be changed or used.", "is archived: restore it first"),
    of("asked_already", "The person was asked for this already.", "was asked for this already"),
    of("award_revoked", "What was revoked stays so.", "is revoked, which is final"),
    of("award_suspended", "A suspended award has to be restored first.", "is suspended: restore it first"),
    of("awarded_in_future", "An award lies in the future.", "must not be in the future"),
    of("badge_circle", "A badge would earn itself.", "would earn itself: a → b → a"),
    of("bands_out_of_order", "The lower bounds of bands are not in order.", "must be below healthy_from"),
    of(
        "baselined",
        "The value is fixed by a baseline.",
        "is fixed by the baseline: record a forecast change, or create a new baseline",
    ),
    of(
        "before_customer",
        "The day lies before the customer was one.",
        "must not be before 2025-11-03, the first day as a customer",
    ),
    of(
        "before_start",
        "The date lies before the start of the plan.",
        "must not be before the plan's start on 2026-03-02",
    ),
    of("beyond_calendar", "The date lies beyond the last day that can be stored.", "must not be after 9999-12-31"),
    of("beyond_full_marks", "There are more points than there can be.", "must not be more than there can be"),
    of("blank", "The text has no characters other than white space.", "must not be blank"),
    of(
        "built_in_role",
        "The product has a role of that name itself.",
        "must not be a role that the product has itself",
    ),
    of(
        "chain_too_long",
        "Too many plans wait for each other in a row.",
        "must not put more than 10 plans in a row that wait for each other",
    ),
    of("competition_closed", "The results of a competition are fixed.", "is closed: its results stay"),
    of("competition_running", "A competition is not over.", "runs until the end of 2026-05-31"),
    of(
        "conflict",
        "A different event with the same identity exists.",
        "a different event with this messageId already exists; it stays",
    ),
    of("congratulated_already", "The sender has congratulated on this before.", "has congratulated on this already"),
    of(
        "consent_of_other",
        "Only the person themselves can agree to a story.",
        "needs the consent of the person whom it is about, who alone can give it",
    ),
    of(
        "control_character",
        "The text contains NUL or another control character.",
        "must not contain NUL or other control characters",
    ),
    of("costs_something", "What costs something waits for approval.", "must not be set for what costs something"),
    of(
        "currency_in_use",
        "The currency cannot change because costs are recorded in it.",
        "costs are recorded in EUR: the currency cannot change",
    ),
    of("currency_without_budget", "A currency is given without a budget.", "a currency needs a budget"),
    of("curve_empty", "A curve has no points.", "a curve needs at least one point"),
    of(
        "curve_not_increasing",
        "The points of a curve are not in order.",
        "must be greater than the x of the previous point",
    ),
    of("days_out_of_range", "The number of days is not within its bounds.", "must be a whole number from 0 to 3650"),
    of("decided_already", "The person has decided already.", "has decided already"),
    of("dependency_cycle", "Dependencies lead back to where they began.", "the dependencies form a cycle: a -> b -> a"),
    of(
        "duplicate_key",
        "Several milestones of a plan have the same key.",
        "the key 'review' is used by more than one milestone",
    ),
    of("empty_file", "A file has no content.", "must not be empty"),
    of("ends_before_it_begins", "A period ends before it begins.", "must not be before the first day"),
    of(
        "expires_too_early",
        "An award would expire before it counts.",
        "must be after 2026-05-04, the day of the award",
    ),
    of(
        "finding_missing",
        "A milestone at risk has no finding in a review.",
        "'pipeline' is at risk: give its cause and action",
    ),
    of("forecast_passed", "The forecast lies in the past.", "the forecast of 2026-04-01 has passed: record a new one"),
    of("forecast_unchanged", "The forecast is the same as before.", "the forecast is already 2026-05-20"),
    of("grant_over", "The entitlement has expired or was canceled.", "is expired"),
    of("granted_already", "The person has the reward.", "was granted to the person already"),
    of(
        "grants_more",
        "Nobody gives a role that grants more than they have themselves.",
        "grants plans:write, which the giver does not have",
    ),
    of(
        "handed_to_oneself",
        "The person who takes over is the one who hands over.",
        "must not be the person who hands over",
    ),
    of("has_left", "The person has left the organization.", "names Ana Petrova, who has left"),
    of(
        "history_not_known",
        "The history was imported later than the days that are looked at.",
        "is imported history: use \"occurred\"",
    ),
    of(
        "horizon_not_over",
        "The horizon of no day in the range is over.",
        "no day in this range is followed by a complete horizon",
    ),
    of("image_too_large", "The image has too many pixels.", "must have at most 24 million pixels, 8192 on a side"),
    of("impact_under_review", "Others are looking at the impact.", "is under review: withdraw its validation first"),
    of("impact_verified", "What was verified stays as it is.", "is verified: withdraw it and claim another one"),
    of("impact_withdrawn", "What was withdrawn stays so.", "is withdrawn"),
    of("in_the_future", "The day lies in the future.", "must not be in the future: today is 2026-05-04"),
    of("in_the_past", "The day lies in the past.", "must not be in the past: today is 2026-05-04"),
    of("intervention_done", "The intervention is already done.", "names an intervention that is already done"),
    of(
        "invalid_cursor",
        "The cursor belongs to another list or other filters.",
        "is not a cursor of this list with these filters",
    ),
    of(
        "invalid_transition",
        "The state of the milestone does not allow the action.",
        "cannot submit a milestone that is achieved",
    ),
    of(
        "kind_not_needed",
        "The milestone does not need this kind of validation.",
        "is no kind of validation that the milestone needs",
    ),
    of(
        "lag_before_start",
        "A lag leads to a day before the start of the plan.",
        "must not lead to a day before the plan's start",
    ),
    of(
        "last_admin",
        "The last person with the role admin keeps it.",
        "is the last person with the role admin: give the role to somebody else first",
    ),
    of("malformed", "The JSON or the header cannot be parsed.", "is not valid JSON"),
    of(
        "manager_cycle",
        "Somebody would be a manager of themselves.",
        "would make the person a manager of themselves on 2026-05-04",
    ),
    of(
        "membership_overlap",
        "Two memberships of a person in a team overlap.",
        "overlaps with a membership of the same person from 2026-03-02",
    ),
    of(
        "merged",
        "The customer or person has been merged into another one.",
        "has been merged into 0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11, which stands for it",
    ),
    of("merged_with_itself", "The one to keep is given as its own duplicate.", "must not be the one to keep"),
    of("milestone_not_open", "The milestone is not open.", "the milestone is not open"),
    of(
        "model_unproven",
        "The risk model lacks something, and no reason to activate it all the same was given.",
        "must be given to activate a model that has not earned its place",
    ),
    of("more_than_there_are", "More badges would be needed than there are.", "must be at most 3, the number of badges"),
    of("names_nothing", "The list is empty.", "must name something"),
    of("never_expires", "What never expires needs no renewal.", "never expires"),
    of("no_criteria", "A proof has no criteria.", "must have at least one criterion"),
    of("no_fit", "A model cannot be fitted on the data.", "the coefficients do not converge"),
    of("no_milestones", "A plan or template has no milestones.", "a plan needs at least one milestone"),
    of("no_validation", "The milestone needs no validation.", "the milestone needs no validation"),
    of("no_weight", "All weights are zero.", "the weights must not all be zero"),
    of(
        "not_a_currency",
        "The text is not a currency code.",
        "must be a three-letter ISO 4217 currency code such as EUR",
    ),
    of("not_a_date", "The text is not a date.", "must be a date such as 2026-03-31"),
    of(
        "not_a_dependency",
        "The text does not name dependencies.",
        "must be keys separated by spaces, such as pipeline:SS+5",
    ),
    of("not_a_draft", "What was submitted is not written any more.", "is published: only a draft is written"),
    of("not_a_gain", "A result is no better than what was before.", "must be better than the baseline"),
    of(
        "not_a_key",
        "The text is not a key.",
        "must start with a letter or digit and contain only letters, digits, '.', '_' and '-'",
    ),
    of(
        "not_a_language",
        "The text is not a language tag (BCP 47).",
        "must be a language tag (BCP 47) such as de or pt-BR",
    ),
    of(
        "not_a_logo",
        "The text is no picture in a data: URL.",
        "must be a PNG, JPEG, WebP or SVG image in a data: URL in base64",
    ),
    of("not_a_reason", "The text gives no reason.", "must be a few words: at least six letters or digits"),
    of("not_an_email", "The text is not an e-mail address.", "must be an e-mail address such as name@example.com"),
    of(
        "not_an_image",
        "The body is no image of a kind that is taken.",
        "must be a PNG, JPEG, WebP or GIF image, whatever its name",
    ),
    of("not_an_option", "The value is not one of the options.", "must be one of \"planned\", \"achieved\""),
    of("not_asked", "The person was not asked.", "was not asked for this"),
    of(
        "not_communicated",
        "The change was not communicated to the client.",
        "record first that the change was communicated",
    ),
    of("not_contested", "Nobody has to decide about the milestone.", "is not contested"),
    of(
        "not_evidence",
        "A file is of no kind that is taken as evidence.",
        "must be a PNG or JPEG image, a whole PDF, or plain text in UTF-8, whatever its name",
    ),
    of(
        "not_https",
        "The address can be answered by others than its owner.",
        "must be an address that begins with https://",
    ),
    of(
        "not_missed",
        "The planned date has not passed.",
        "the planned date of 2026-05-10 has not passed, so nothing was missed",
    ),
    of("not_on_hold", "Only a plan that is on hold can be resumed.", "the plan is not on hold"),
    of(
        "not_published",
        "The version is a draft, or no version is published.",
        "version 2 is a draft: publish it first",
    ),
    of("not_suspended", "Only what is suspended can be restored.", "is not suspended"),
    of("not_the_manager", "The person is not the manager of the day.", "must be the manager of the person today"),
    of(
        "not_the_next_step",
        "The step does not follow from the state of the entitlement.",
        "does not follow while it is granted",
    ),
    of(
        "not_the_path",
        "The body names another resource than the path.",
        "must be the reference in the path, or left out",
    ),
    of("not_valid", "The value breaks a rule that has no code of its own.", "does not satisfy the document"),
    of("not_verified", "An impact that a story names is not verified.", "must be verified first"),
    of(
        "not_within_a_year",
        "The time is in the past or more than a year ahead.",
        "must be in the future, and at most 365 days from now",
    ),
    of(
        "nothing_to_correct",
        "There is no date that could be corrected.",
        "the milestone has no actual date, so there is nothing to correct",
    ),
    of(
        "on_day_off",
        "The date is a day off in the plan's calendar, which refuses planned dates on days off.",
        "must not be a day off: the plan's calendar does not count 2026-12-25",
    ),
    of(
        "on_hold",
        "The plan is on hold, so its dates stand still.",
        "the plan is on hold since 2026-05-04: resume it first",
    ),
    of(
        "one_threshold",
        "A criterion has no threshold, or more than one.",
        "must be exactly one of at_least, at_most and tiers",
    ),
    of("opted_out", "The person shows achievements to nobody.", "does not show achievements to anybody"),
    of("other_currency", "The amount is in another currency than the plan.", "must be EUR, the currency of the plan"),
    of("other_person", "The person whose achievement it is cannot change.", "cannot change"),
    of("others_plan", "The plan serves somebody else.", "serves another person"),
    of(
        "out_of_order",
        "A value must lie after or before another one.",
        "must not be before the previous entry of 2026-03-09",
    ),
    of(
        "out_of_range",
        "The range is too long or its end lies before its start.",
        "must be at most 400 days after from",
    ),
    of("out_of_stock", "All of the stock was claimed.", "is out of stock"),
    of("own_celebration", "Nobody congratulates themselves.", "must not be the one who is celebrated"),
    of("own_owner", "Nobody is the owner of themselves.", "must not be the person themselves"),
    of("own_proof", "People do not decide about their own achievements.", "must be decided by somebody else"),
    of("own_reward", "Nobody approves a reward of their own.", "must be approved by somebody else"),
    of(
        "own_story",
        "Nobody publishes a story that is about them or that they submitted.",
        "must be read by somebody whom it is not about and who did not submit it",
    ),
    of("parent_cycle", "A customer or a team would be a part of itself.", "must not be itself or a part of itself"),
    of("percent_out_of_range", "The number is not a percentage.", "must be a number from 0 to 100"),
    of("plan_cycle", "Plans would wait for each other.", "must not be a plan that waits for this one"),
    of(
        "prerequisites_missing",
        "What a milestone waits for is missing.",
        "these prerequisites are not met: badges license: 0 (at least 1); to proceed anyway, give override_reason",
    ),
    of("proof_cycle", "Milestones are proved by each other.", "the proofs wait for each other: a -> b -> a"),
    of("property_required", "The aggregate needs a property.", "must name the property whose sum is taken"),
    of("property_unused", "The aggregate uses no property.", "must be left out: count uses no property"),
    of(
        "protected_person",
        "The person has roles that the caller does not have.",
        "is of somebody whose roles include admin, which the caller does not have",
    ),
    of("proves_itself", "A milestone is named in its own proof.", "must not name the milestone itself"),
    of(
        "published",
        "The version is published and cannot change.",
        "version 1 is published and cannot change: add a new version",
    ),
    of("repeated", "The same value is given more than once.", "is given more than once"),
    of("repeated_dependency", "Two milestones are related twice.", "the dependency on 'pipeline' is given twice"),
    of("repeated_key", "A key is used more than once.", "the key 'usage' is used twice"),
    of("repeated_tag", "A tag is named twice.", "is named more than once"),
    of("required", "A field or parameter is missing.", "must be given"),
    of(
        "same_person",
        "One person cannot validate in two ways.",
        "was asked for another kind of validation, and the milestone needs different people",
    ),
    of(
        "same_plan",
        "A plan would wait for itself.",
        "must be another plan: within one, give depends_on of the milestone",
    ),
    of(
        "second_tiers",
        "More than one criterion of a milestone has tiers.",
        "must be left out: another criterion of the milestone has tiers",
    ),
    of(
        "second_validation",
        "More than one criterion of a milestone is a validation.",
        "must be left out: the milestone is validated by another criterion already",
    ),
    of("settled", "The milestone is closed.", "the milestone is cancelled: reopen it first"),
    of(
        "slow_fast_track",
        "A date on the fast track lies after that of the usual timeline.",
        "must not be later than on the usual timeline, after 30 days",
    ),
    of("start_unchanged", "The plan already starts on this day.", "the plan already starts on 2026-03-02"),
    of("taken", "Another resource has this key or reference.", "belongs to another customer"),
    of(
        "template_and_milestones",
        "A template and milestones are given together.",
        "give either a template or milestones, not both",
    ),
    of(
        "template_or_milestones",
        "Neither a template nor milestones are given.",
        "give a template or at least one milestone",
    ),
    of(
        "tiers_not_increasing",
        "The tiers do not grow.",
        "must be higher, in metal and in number, than the tier before",
    ),
    of(
        "tiers_of_any",
        "A criterion with tiers may be left out.",
        "must be left out: where a criterion has tiers, all criteria are needed",
    ),
    of(
        "tiers_out_of_order",
        "The tiers of an escalation are not in order.",
        "must be greater than in the previous tier",
    ),
    of(
        "too_deep",
        "Too many customers or teams stand above one another.",
        "must not put more than 20 above one another",
    ),
    of(
        "too_few_events",
        "Too few customers were lost to conclude anything.",
        "3 customers were lost in that time, but at least 10 are needed",
    ),
    of("too_few_items", "The list has too few items.", "must have at least 1 items"),
    of("too_large", "The number or the request is too large.", "must be at most 1000"),
    of("too_long", "The text is too long.", "must have at most 200 characters"),
    of("too_many", "More are asked for than there are.", "must be a number from 1 to 3, the number of what it counts"),
    of("too_many_cells", "A line has more cells than the header.", "has more cells than the first line has columns"),
    of("too_many_files", "There are as many files as there can be.", "there can be no more files: delete one first"),
    of("too_many_items", "The list has too many items.", "must have at most 500 items"),
    of(
        "too_many_managers",
        "There are too many managers above one another.",
        "would put more than 50 managers above one another",
    ),
    of(
        "too_many_points",
        "A series would have too many points.",
        "would give more than 1000 points: choose a longer period",
    ),
    of("too_much", "The request would take too much work.", "42 days would be evaluated; at most 40 are allowed"),
    of(
        "too_much_to_hand_over",
        "The person is responsible for more than one request hands over.",
        "is responsible for 3105 things, but at most 2000 can be handed over at once: name some kinds",
    ),
    of(
        "too_much_to_move",
        "A merge would move too many people, parts and plans.",
        "has 2500 people, parts and plans, but a merge can move at most 2000",
    ),
    of("too_short", "The text is too short.", "must have at least 1 characters"),
    of("too_small", "The number is too small.", "must be at least 0"),
    of("unclosed_quote", "A quoted cell of a CSV file does not end.", "the quote that begins here is not closed"),
    of("undone", "The merge has already been undone.", "has already been undone"),
    of("unknown_artwork", "No artwork has this identifier.", "names no artwork"),
    of("unknown_badge", "The key names no badge.", "names no badge"),
    of("unknown_baseline", "No baseline has this number.", "the plan has no baseline 7"),
    of("unknown_column", "The CSV file has a column that is not known.", "is not a known column"),
    of("unknown_customer", "No customer has this identifier or reference.", "there is no customer with this id"),
    of("unknown_dependency", "No milestone has this key.", "there is no milestone with the key 'access' in this plan"),
    of("unknown_field", "The field is not known here.", "is not a field here"),
    of("unknown_group", "The model has no group with this key.", "the model has no group 'adoption'"),
    of("unknown_impact", "No impact of the person has this identifier.", "names no impact of the person"),
    of("unknown_intervention", "No intervention has this identifier.", "names no intervention"),
    of("unknown_metric", "No metric has this key.", "there is no metric 'logins'"),
    of("unknown_milestone", "No milestone has this key.", "there is no milestone with the key 'access' in this plan"),
    of("unknown_parameter", "The query parameter is not known here.", "is not a parameter here; known: limit, cursor"),
    of("unknown_person", "No person has this identifier or reference.", "there is no person with this id"),
    of("unknown_plan", "No plan has this identifier.", "there is no plan with this id"),
    of("unknown_reward", "No reward has this key.", "names no reward"),
    of(
        "unknown_role",
        "No milestone of the template has an owner of that name.",
        "names no owner of the template's milestones",
    ),
    of("unknown_team", "No team has the identifier or reference.", "names no team"),
    of("unknown_template", "No template has this key.", "no template has the key 'pilot'"),
    of("unknown_time_zone", "The time zone is not known.", "must be an IANA time zone such as Europe/Berlin"),
    of("unknown_version", "The template has no version with this number.", "the template has no version 7"),
    of(
        "unmet_dependencies",
        "The milestones that this one waits for are not met.",
        "these milestones must be achieved first: access; or give override_reason",
    ),
    of(
        "unsafe_drawing",
        "An SVG has something that runs, or that is loaded from elsewhere.",
        "must not contain the element script",
    ),
    of(
        "unused",
        "The field has no effect and must be left out.",
        "must be left out unless the factor's input is a metric",
    ),
    of(
        "validation_open",
        "The milestone has a validation that is open or approved.",
        "there is a validation of the milestone already that is open or approved",
    ),
    of("validation_over", "The validation is over.", "the validation is over"),
    of("validator_has_left", "The person has left.", "has left"),
    of(
        "waits_for_undated",
        "A milestone with a date cannot wait for one without.",
        "must not be 'b4', which has no date",
    ),
    of("weight_out_of_range", "The weight is not within its bounds.", "must be a number from 0 to 1000000000"),
    of("wrong_format", "The text does not have the required format.", "must be a date, such as 2026-03-31"),
    of(
        "wrong_pattern",
        "The text does not match the required pattern.",
        "must contain only letters, digits, '.', '_' and '-'",
    ),
    of("wrong_type", "The value has another type than required.", "must be of type string"),
];

const fn of(code: &'static str, meaning: &'static str, example: &'static str) -> FieldCode {
    FieldCode { code, meaning, example }
}

/// Whether a code is in the list.
pub fn is_known(code: &str) -> bool {
    FIELD_CODES.binary_search_by(|known| known.code.cmp(code)).is_ok()
}

#[cfg(test)]
mod tests {
    use milepost_domain::access::rule::AccessRule;
    use milepost_domain::customer::rule::CustomerRule;
    use milepost_domain::merge::MergeRule;
    use milepost_domain::people::rule::PeopleRule;
    use milepost_domain::plan::milestone::MilestoneRule;
    use milepost_domain::plan::rule::PlanRule;
    use milepost_domain::proof::rule::ProofRule;
    use milepost_domain::recognition::rule::RecognitionRule;
    use milepost_domain::usage::metric::MetricRule;
    use milepost_domain::values::rule::ValueRule;
    use milepost_domain::values::version::VersionRule;
    use strum::VariantNames;

    use super::*;

    #[test]
    fn the_list_is_in_order() {
        assert!(FIELD_CODES.windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn every_rule_of_the_domain_is_in_the_list() {
        let rules = [
            ValueRule::VARIANTS,
            VersionRule::VARIANTS,
            PlanRule::VARIANTS,
            MilestoneRule::VARIANTS,
            CustomerRule::VARIANTS,
            MetricRule::VARIANTS,
            MergeRule::VARIANTS,
            PeopleRule::VARIANTS,
            AccessRule::VARIANTS,
            RecognitionRule::VARIANTS,
            ProofRule::VARIANTS,
        ];
        for code in rules.into_iter().flatten().filter(|code| **code != "value") {
            assert!(is_known(code), "{code} is not in the list of codes");
        }
    }
}
