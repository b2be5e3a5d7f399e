//! The list of endpoints. More specific paths are registered before more general paths.

use actix_web::dev::HttpServiceFactory;
use actix_web::web::{self, FormConfig, PathConfig};
use utoipa::OpenApi;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_actix_web::{AppExt, OpenApiFactory};

use crate::document::{self, Base, Unwritable};
use crate::error::ApiError;
use crate::handlers::access::{client_keys, clients, me, organization, providers, roles, sign_in, tokens};
use crate::handlers::{
    celebrations, copies, customers, events, health, health_models, interventions, ledger, merges, metrics, milestones,
    people, plans, playbooks, recognition, references, reports, risk, segment, server, shares, teams, templates,
    validations,
};

/// What endpoints are registered with: a server, or the OpenAPI document.
pub trait Registry {
    /// Registers an endpoint.
    fn service<E: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, endpoint: E) -> &mut Self;
    /// Adds data that every endpoint shares.
    fn app_data<T: 'static>(&mut self, data: T) -> &mut Self;
}

impl Registry for web::ServiceConfig {
    fn service<E: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, endpoint: E) -> &mut Self {
        web::ServiceConfig::service(self, endpoint)
    }

    fn app_data<T: 'static>(&mut self, data: T) -> &mut Self {
        web::ServiceConfig::app_data(self, data)
    }
}

impl Registry for ServiceConfig<'_> {
    fn service<E: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, endpoint: E) -> &mut Self {
        ServiceConfig::service(self, endpoint)
    }

    fn app_data<T: 'static>(&mut self, data: T) -> &mut Self {
        ServiceConfig::app_data(self, data)
    }
}

/// Registers every endpoint, both in the server and in the OpenAPI document.
pub fn register<R: Registry>(config: &mut R) {
    config
        .app_data(PathConfig::default().error_handler(|_, _| ApiError::not_found().into()))
        .app_data(FormConfig::default().error_handler(|error, _| ApiError::of_form(&error).into()));
    let subjects = [
        plans::<R>,
        milestones::<R>,
        shares::<R>,
        reports::<R>,
        templates::<R>,
        customers_and_people::<R>,
        health::<R>,
        reactions::<R>,
        events::<R>,
        ledger::<R>,
        recognition::<R>,
        achievements::<R>,
        access::<R>,
        server::<R>,
    ];
    for subject in subjects {
        subject(config);
    }
}

/// Writes the document of all endpoints from the code, as the checked-in file has it. The server serves that file.
pub fn document() -> Result<String, Unwritable> {
    let app = actix_web::App::new().into_utoipa_app().openapi(Base::openapi());
    let app = app.configure(|config: &mut ServiceConfig<'_>| register(config));
    let (_, collected) = app.split_for_parts();
    document::write(&collected)
}

fn plans<R: Registry>(config: &mut R) {
    config
        .service(plans::list::list_plans)
        .service(plans::create::create_plan)
        .service(plans::exchange::import::import_plan)
        .service(plans::exchange::export::export_plan)
        .service(plans::exchange::export::export_project)
        .service(plans::earned_value::series::read_earned_value_series)
        .service(plans::earned_value::read::read_earned_value)
        .service(plans::earned_value::schedule::read_schedule)
        .service(plans::earned_value::simulation::simulate_plan)
        .service(plans::earned_value::lint::lint_plan)
        .service(plans::exchange::status_report::read_status_report)
        .service(plans::exchange::calendar::read_calendar)
        .service(plans::exchange::pictures::draw_plan_s_curve)
        .service(plans::exchange::pictures::draw_plan_trend)
        .service(plans::progress::read_progress)
        .service(plans::proofs::list_proofs)
        .service(plans::proofs::uphold_proof)
        .service(plans::proofs::list_contested_proofs)
        .service(validations::read::list_plan_validations)
        .service(validations::submit::submit_for_validation)
        .service(validations::read::list_validations)
        .service(validations::read::read_validation)
        .service(validations::submit::ask_for_validation)
        .service(validations::submit::add_validation_evidence)
        .service(validations::submit::withdraw_validation)
        .service(validations::decide::decide_validation)
        .service(validations::invite::invite_for_validation)
        .service(validations::invite::withdraw_invitation)
        .service(validations::invite::delegate_validation)
        .service(validations::invite::remind_validators)
        .service(validations::files::add_validation_file)
        .service(validations::files::list_validation_files)
        .service(validations::files::read_validation_file)
        .service(validations::files::delete_validation_file)
        .service(validations::files::read_invitation_file)
        .service(validations::invitation::read_invitation)
        .service(validations::invitation::answer_invitation)
        .service(plans::read::read_plan)
        .service(plans::update::update_plan)
        .service(plans::move_start::move_plan)
        .service(plans::dependencies::add_plan_dependency)
        .service(plans::dependencies::list_plan_dependencies)
        .service(plans::dependencies::list_plan_dependents)
        .service(plans::dependencies::read_plan_dependency)
        .service(plans::dependencies::withdraw_plan_dependency)
        .service(plans::holds::hold_plan)
        .service(plans::outlook::read_outlook)
        .service(plans::transfer::transfer_plan)
        .service(plans::withdraw::withdraw_person)
        .service(plans::holds::resume_plan)
        .service(plans::holds::list_plan_holds)
        .service(plans::scenarios::compare_scenarios)
        .service(plans::reviews::read_next_review)
        .service(plans::reviews::list_reviews)
        .service(plans::reviews::create_review)
        .service(plans::reviews::read_review)
        .service(plans::earned_value::costs::list_costs)
        .service(plans::earned_value::costs::record_cost)
        .service(plans::earned_value::costs::read_cost)
        .service(plans::earned_value::costs::correct_cost)
        .service(plans::baseline_comparison::compare_baselines)
        .service(plans::baselines::list_baselines)
        .service(plans::baselines::create_baseline)
        .service(plans::approve::approve_baseline);
}

fn milestones<R: Registry>(config: &mut R) {
    config
        .service(milestones::list::list_milestones)
        .service(milestones::read::list_plan_milestones)
        .service(milestones::create::create_milestone)
        .service(milestones::misses::list_misses)
        .service(milestones::read::read_milestone)
        .service(milestones::update::update_milestone)
        .service(milestones::forecasts::list_forecast_changes)
        .service(milestones::cascade::record_forecast_change)
        .service(milestones::communicate::communicate_forecast_change)
        .service(milestones::communicate::acknowledge_forecast_change)
        .service(milestones::read::list_milestone_transitions)
        .service(milestones::misses::report_miss)
        .service(milestones::status_history::list_status_history)
        .service(milestones::confirm::confirm_forecast)
        .service(milestones::corrections::correct_milestone)
        .service(milestones::corrections::list_corrections)
        .service(milestones::corrections::read_correction)
        .service(milestones::act::start_milestone)
        .service(milestones::act::submit_milestone)
        .service(milestones::act::reject_milestone)
        .service(milestones::act::achieve_milestone)
        .service(milestones::act::reopen_milestone)
        .service(milestones::act::waive_milestone)
        .service(milestones::act::cancel_milestone)
        .service(plans::undated::list_undated_milestones)
        .service(plans::undated::create_undated_milestone)
        .service(plans::undated::read_undated_milestone)
        .service(plans::undated::achieve_undated_milestone)
        .service(plans::undated::reopen_undated_milestone)
        .service(plans::undated::date_undated_milestone);
}

/// Registers share links and the pages that a client sees of a plan.
fn shares<R: Registry>(config: &mut R) {
    config
        .service(shares::links::list_share_links)
        .service(shares::links::create_share_link)
        .service(shares::links::revoke_share_link)
        .service(shares::view::read_shared_plan)
        .service(shares::view::draw_shared_s_curve)
        .service(shares::view::draw_shared_trend)
        .service(shares::view::read_shared_calendar)
        .service(shares::acknowledge::acknowledge_shared_change);
}

fn reports<R: Registry>(config: &mut R) {
    config
        .service(reports::spi::read_spi_report)
        .service(reports::variance::read_variance_report)
        .service(reports::drift::read_health_drift)
        .service(reports::health::read_health_report)
        .service(reports::risk::read_risk_report)
        .service(reports::load::read_load_report)
        .service(reports::expansion::read_expansion_report)
        .service(reports::impact::read_impact_report)
        .service(reports::retention::read_retention_report)
        .service(reports::interventions::read_intervention_report);
}

fn templates<R: Registry>(config: &mut R) {
    config
        .service(templates::list_templates)
        .service(templates::create_template)
        .service(templates::read_template)
        .service(templates::create_template_version)
        .service(templates::read_template_version)
        .service(templates::replace_template_version)
        .service(templates::publish_template_version)
        .service(templates::archive_template)
        .service(templates::restore_template)
        .service(plans::enrolments::enrol_people)
        .service(plans::enrolments::list_enrolments);
}

/// Registers customers and people.
fn customers_and_people<R: Registry>(config: &mut R) {
    config
        .service(customers::list_customers)
        .service(customers::create_customer)
        .service(customers::bulk_upsert_customers)
        .service(customers::read_customer_by_ref)
        .service(customers::upsert_customer)
        .service(customers::read_customer)
        .service(references::list_customer_references)
        .service(merges::merge_customers)
        .service(merges::list_customer_merges)
        .service(merges::read_customer_merge)
        .service(merges::undo_customer_merge)
        .service(customers::update_customer)
        .service(customers::erase_customer)
        .service(copies::export_customer)
        .service(customers::delete_customer)
        .service(people::list_people)
        .service(people::create_person)
        .service(people::bulk_upsert_people)
        .service(people::responsibilities::match_owners)
        .service(people::read_person_by_ref)
        .service(people::upsert_person)
        .service(people::read_person)
        .service(references::list_person_references)
        .service(merges::merge_people)
        .service(merges::list_person_merges)
        .service(merges::read_person_merge)
        .service(merges::undo_person_merge)
        .service(people::chart::record_reporting_line)
        .service(people::chart::list_reporting_lines)
        .service(people::chart::read_reporting_line)
        .service(people::chart::list_managers)
        .service(people::chart::list_reports)
        .service(teams::list_teams_of_person)
        .service(people::responsibilities::list_responsibilities)
        .service(people::responsibilities::hand_over_responsibilities)
        .service(people::profile::read_profile)
        .service(people::profile::update_profile)
        .service(people::profile::read_avatar)
        .service(people::profile::replace_avatar)
        .service(people::profile::delete_avatar)
        .service(people::update_person)
        .service(people::erase_person)
        .service(copies::export_person)
        .service(people::delete_person)
        .service(teams::list_teams)
        .service(teams::create_team)
        .service(teams::bulk_upsert_teams)
        .service(teams::read_team_by_ref)
        .service(teams::upsert_team)
        .service(teams::read_team)
        .service(teams::update_team)
        .service(teams::delete_team)
        .service(teams::add_team_member)
        .service(teams::list_team_members)
        .service(teams::read_team_member)
        .service(teams::end_team_membership);
}

/// Registers customer health, health models, risk and outcomes.
fn health<R: Registry>(config: &mut R) {
    config
        .service(health_models::list_health_models)
        .service(health_models::create_health_model)
        .service(health_models::read_shipped_health_model)
        .service(health_models::read_health_model)
        .service(health_models::create_health_model_version)
        .service(health_models::read_health_model_version)
        .service(health_models::replace_health_model_version)
        .service(health_models::publish_health_model_version)
        .service(health_models::archive_health_model)
        .service(health_models::restore_health_model)
        .service(health_models::activate::activate_health_model_version)
        .service(health_models::activate::deactivate_health_model)
        .service(health_models::simulate::simulate_health_model)
        .service(health_models::backtest::backtest_health_model)
        .service(health::read::read_customer_health_by_ref)
        .service(health::read::read_customer_health)
        .service(health::history::read_health_history)
        .service(health::history::draw_health)
        .service(health::explain::explain_health_change)
        .service(health::rollup::read_health_rollup)
        .service(health::pulses::list_pulses)
        .service(health::pulses::record_pulse)
        .service(health::pulses::read_pulse)
        .service(health::pulses::withdraw_pulse)
        .service(health::overrides::list_health_overrides)
        .service(health::overrides::set_health_override)
        .service(health::overrides::read_health_override)
        .service(health::overrides::end_health_override)
        .service(risk::fit::list_risk_models)
        .service(risk::fit::fit_risk_model)
        .service(risk::activate::read_risk_model)
        .service(risk::activate::activate_risk_model)
        .service(risk::activate::retire_risk_model)
        .service(risk::activate::archive_risk_model)
        .service(risk::activate::restore_risk_model)
        .service(risk::read::read_customer_risk)
        .service(risk::read::read_customer_risk_by_ref)
        .service(health::outcomes::list_outcomes)
        .service(health::outcomes::record_outcome)
        .service(health::outcomes::read_outcome)
        .service(health::outcomes::withdraw_outcome);
}

/// Registers playbooks and interventions.
fn reactions<R: Registry>(config: &mut R) {
    config
        .service(playbooks::list_playbooks)
        .service(playbooks::create_playbook)
        .service(playbooks::read_playbook)
        .service(playbooks::replace_playbook)
        .service(playbooks::archive_playbook)
        .service(playbooks::restore_playbook)
        .service(playbooks::dry_run::dry_run_playbook)
        .service(interventions::read::list_interventions)
        .service(interventions::open::open_intervention)
        .service(interventions::act::assign_interventions)
        .service(interventions::read::read_intervention)
        .service(interventions::notes::list_intervention_notes)
        .service(interventions::notes::read_intervention_note)
        .service(interventions::notes::note_intervention)
        .service(interventions::act::assign_intervention)
        .service(interventions::act::reopen_intervention)
        .service(interventions::act::snooze_intervention)
        .service(interventions::act::finish_intervention);
}

/// Registers badges, awards and credentials.
fn recognition<R: Registry>(config: &mut R) {
    config
        .service(recognition::badges::list_badges)
        .service(recognition::badges::create_badge)
        .service(recognition::badges::draw_badge)
        .service(recognition::badges::read_badge)
        .service(recognition::badges::replace_badge)
        .service(recognition::artworks::list_artworks)
        .service(recognition::artworks::add_artwork)
        .service(recognition::artworks::read_artwork)
        .service(recognition::awards::list_awards)
        .service(recognition::awards::award_badge)
        .service(recognition::awards::read_award)
        .service(recognition::act::suspend_award)
        .service(recognition::act::restore_award)
        .service(recognition::act::revoke_award)
        .service(recognition::act::renew_award)
        .service(recognition::awards::list_person_awards)
        .service(recognition::holder::read_credential)
        .service(recognition::holder::publish_award)
        .service(recognition::verify::verify_credential)
        .service(recognition::verify::verify_picture)
        .service(recognition::issuer::rotate_credential_keys)
        .service(recognition::issuer::read_issuer)
        .service(recognition::issuer::read_issuer_keys)
        .service(recognition::issuer::read_issuer_key)
        .service(recognition::issuer::read_issued_badge)
        .service(recognition::issuer::draw_issued_badge)
        .service(recognition::issuer::read_status_list)
        .service(recognition::issuer::read_revocation_list)
        .service(recognition::holder::read_public_credential)
        .service(recognition::holder::draw_public_credential);
}

/// Registers impacts, boards, celebrations and rewards.
fn achievements<R: Registry>(config: &mut R) {
    config
        .service(celebrations::ceremony::read_ceremony)
        .service(celebrations::ceremony::read_newsletter)
        .service(celebrations::feed::list_celebrations)
        .service(celebrations::feed::read_public_feed)
        .service(celebrations::congratulate::congratulate)
        .service(celebrations::congratulate::list_congratulations)
        .service(celebrations::congratulate::read_congratulation)
        .service(celebrations::congratulate::take_congratulation_back)
        .service(recognition::rewards::list_rewards)
        .service(recognition::rewards::create_reward)
        .service(recognition::rewards::read_reward)
        .service(recognition::rewards::replace_reward)
        .service(recognition::entitlements::list_entitlements_by_ref)
        .service(recognition::entitlements::grant_reward)
        .service(recognition::entitlements::list_entitlements)
        .service(recognition::entitlements::claim_entitlement)
        .service(recognition::entitlements::list_waiting_entitlements)
        .service(recognition::entitlements::read_entitlement)
        .service(recognition::entitlements::approve_entitlement)
        .service(recognition::entitlements::fulfill_entitlement)
        .service(recognition::entitlements::cancel_entitlement)
        .service(recognition::leaderboard::read_leaderboard)
        .service(recognition::leaderboard::read_standing)
        .service(recognition::competitions::list_competitions)
        .service(recognition::competitions::create_competition)
        .service(recognition::competitions::read_competition)
        .service(recognition::competitions::update_competition)
        .service(recognition::competitions::delete_competition)
        .service(recognition::competitions::close_competition)
        .service(recognition::competitions::list_standings)
        .service(recognition::portfolio::read_portfolio)
        .service(recognition::portfolio::read_resume)
        .service(recognition::portfolio::draft_recommendation)
        .service(recognition::portfolio::read_public_portfolio)
        .service(recognition::stories::list_stories)
        .service(recognition::stories::write_story)
        .service(recognition::stories::read_story)
        .service(recognition::stories::replace_story)
        .service(recognition::stories::submit_story)
        .service(recognition::stories::agree_to_story)
        .service(recognition::stories::disagree_with_story)
        .service(recognition::stories::publish_story)
        .service(recognition::stories::return_story)
        .service(recognition::stories::withdraw_story)
        .service(recognition::impacts::list_impacts)
        .service(recognition::impacts::claim_impact)
        .service(recognition::impacts::read_impact)
        .service(recognition::impacts::update_impact)
        .service(recognition::impacts::withdraw_impact)
        .service(validations::submit::submit_impact)
        .service(validations::read::list_impact_validations);
}

/// Registers usage events, Segment's endpoints and metrics.
fn events<R: Registry>(config: &mut R) {
    config
        .service(events::intake::read_event_limits)
        .service(events::list::read_event_lag)
        .service(events::types::list_event_types)
        .service(events::quarantine::list_quarantine)
        .service(events::rejected::list_rejected_messages)
        .service(events::rejected::read_rejected_message)
        .service(events::rejected::replay_rejected_message)
        .service(events::rejected::delete_rejected_message)
        .service(events::quarantine::release_events)
        .service(events::erase::erase_events)
        .service(events::list::list_events)
        .service(events::intake::take_events)
        .service(segment::take_segment_track)
        .service(segment::take_segment_identify)
        .service(segment::take_segment_group)
        .service(segment::take_segment_page)
        .service(segment::take_segment_batch)
        .service(segment::take_segment_t)
        .service(segment::take_segment_i)
        .service(segment::take_segment_g)
        .service(segment::take_segment_p)
        .service(segment::take_segment_s)
        .service(segment::take_segment_a)
        .service(segment::take_segment_b)
        .service(segment::take_segment_v1_batch)
        .service(metrics::define::list_metrics)
        .service(metrics::define::create_metric)
        .service(metrics::define::read_metric)
        .service(metrics::define::delete_metric)
        .service(metrics::measure::read_customer_metrics_by_ref)
        .service(metrics::measure::read_person_metrics_by_ref)
        .service(metrics::series::read_customer_metric_series)
        .service(metrics::series::read_person_metric_series)
        .service(metrics::measure::read_customer_metrics)
        .service(metrics::measure::read_person_metrics);
}

/// Registers the ledger.
fn ledger<R: Registry>(config: &mut R) {
    config
        .service(ledger::list::list_ledger_entries)
        .service(ledger::verify::verify_ledger)
        .service(ledger::checkpoints::list_checkpoints)
        .service(ledger::checkpoints::create_checkpoint);
}

/// Registers the organization, API clients and tokens.
fn access<R: Registry>(config: &mut R) {
    config
        .service(organization::read_organization)
        .service(organization::update_organization)
        .service(me::read_me)
        .service(sign_in::send_sign_in_code)
        .service(sign_in::redeem_sign_in_code)
        .service(sign_in::sign_out)
        .service(sign_in::sign_out_person)
        .service(roles::list_roles)
        .service(roles::create_role)
        .service(roles::read_role)
        .service(roles::replace_role)
        .service(roles::delete_role)
        .service(roles::read_person_roles)
        .service(roles::replace_person_roles)
        .service(providers::list_identity_providers)
        .service(providers::create_identity_provider)
        .service(providers::read_identity_provider)
        .service(providers::update_identity_provider)
        .service(clients::list_api_clients)
        .service(clients::create_api_client)
        .service(clients::read_api_client)
        .service(clients::update_api_client)
        .service(clients::revoke_api_client)
        .service(client_keys::list_client_keys)
        .service(client_keys::create_client_key)
        .service(client_keys::revoke_client_key)
        .service(tokens::issue_token);
}

/// Registers the endpoints of the server itself.
fn server<R: Registry>(config: &mut R) {
    config
        .service(server::check_liveness)
        .service(server::check_readiness)
        .service(server::read_metrics)
        .service(server::read_document_json)
        .service(server::read_document_3_0)
        .service(server::read_document_yaml)
        .service(server::read_signing_keys);
}
