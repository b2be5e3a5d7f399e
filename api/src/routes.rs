//! The list of endpoints. What is more specific stands before what is more general.

use utoipa_actix_web::service_config::ServiceConfig;

use crate::error::ApiError;
use crate::handlers::access::{client_keys, clients, organization, tokens};
use crate::handlers::{customers, ledger, milestones, people, plans, reports, server, templates};

/// Registers every endpoint, in the server and in the document alike.
pub fn register(config: &mut ServiceConfig<'_>) {
    config
        .app_data(actix_web::web::PathConfig::default().error_handler(|_, _| ApiError::not_found().into()))
        // Plans and what they consist of.
        .service(plans::list::list_plans)
        .service(plans::create::create_plan)
        .service(plans::series::read_earned_value_series)
        .service(plans::earned_value::read_earned_value)
        .service(plans::schedule::read_schedule)
        .service(plans::lint::lint_plan)
        .service(plans::read::read_plan)
        .service(plans::update::update_plan)
        .service(plans::move_start::move_plan)
        .service(plans::costs::list_costs)
        .service(plans::costs::record_cost)
        .service(plans::baseline_comparison::compare_baselines)
        .service(plans::baselines::list_baselines)
        .service(plans::baselines::create_baseline)
        .service(plans::approve::approve_baseline)
        .service(milestones::list::list_milestones)
        .service(milestones::read::list_plan_milestones)
        .service(milestones::create::create_milestone)
        .service(milestones::read::read_milestone)
        .service(milestones::update::update_milestone)
        .service(milestones::forecasts::list_forecast_changes)
        .service(milestones::cascade::record_forecast_change)
        .service(milestones::communicate::communicate_forecast_change)
        .service(milestones::communicate::acknowledge_forecast_change)
        .service(milestones::read::list_milestone_transitions)
        .service(milestones::status_history::list_status_history)
        .service(milestones::confirm::confirm_forecast)
        .service(milestones::act::act_on_milestone)
        .service(reports::spi::read_spi_report)
        .service(templates::list::list_templates)
        .service(templates::create::create_template)
        .service(templates::read::read_template)
        .service(templates::create::create_template_version)
        .service(templates::read::read_template_version)
        .service(templates::change::replace_template_version)
        .service(templates::change::publish_template_version)
        // Whom they are for.
        .service(customers::list::list_customers)
        .service(customers::create::create_customer)
        .service(customers::bulk::bulk_upsert_customers)
        .service(customers::read::read_customer_by_ref)
        .service(customers::upsert::upsert_customer)
        .service(customers::read::read_customer)
        .service(customers::update::update_customer)
        .service(customers::delete::delete_customer)
        .service(people::list::list_people)
        .service(people::create::create_person)
        .service(people::bulk::bulk_upsert_people)
        .service(people::read::read_person_by_ref)
        .service(people::upsert::upsert_person)
        .service(people::read::read_person)
        .service(people::update::update_person)
        .service(people::delete::delete_person)
        // Every change.
        .service(ledger::list::list_ledger_entries)
        .service(ledger::verify::verify_ledger)
        // Who may call.
        .service(organization::read_organization)
        .service(organization::update_organization)
        .service(clients::list_api_clients)
        .service(clients::create_api_client)
        .service(clients::read_api_client)
        .service(clients::update_api_client)
        .service(clients::revoke_api_client)
        .service(client_keys::list_client_keys)
        .service(client_keys::create_client_key)
        .service(client_keys::revoke_client_key)
        .service(tokens::issue_token)
        // The server itself.
        .service(server::check_liveness)
        .service(server::check_readiness)
        .service(server::read_metrics)
        .service(server::read_document_json)
        .service(server::read_document_yaml)
        .service(server::read_signing_keys);
}
