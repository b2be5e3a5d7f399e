//! The main task on real input: eleven release plans and the SPI report on them.
//!
//! Expectations were counted by hand in the source file (see `api/src/shipped/delivery-plans.json`). Every milestone weighs 1.
//!
//! Release 1.19 has 30 milestones. On 2020-07-01 all but the four with later baselines (2020-07-09, 07-30, 08-04, 08-20) were
//! planned: PV 26. Fifteen had been achieved, the last of them the documents' placeholder deadline on 2020-06-19: EV 15. On
//! 2020-08-25 everything was planned: PV 30; all but the release (2020-08-26) and the retrospective (2020-09-03) were done: EV 28.

use milepost::commands::demo;
use milepost_tests::{Engine, Server, on_both_engines};
use serde_json::{Value, json};

use crate::samples::pluck;

on_both_engines!(
    in_time_a_late_release_stays_late,
    release_1_19_slipped_in_three_steps,
    a_plan_that_never_slipped_has_spi_1_throughout,
    the_portfolio_is_summed_and_then_divided,
    loading_twice_changes_nothing,
);

async fn loaded(engine: Engine) -> (Server, demo::Loaded) {
    let server = Server::start(engine).await;
    let loaded = demo::import(&server.url, &server.key).await.expect("loaded");
    assert_eq!((loaded.plans, loaded.milestones), (11, 362));
    (server, loaded)
}

async fn release_1_19_slipped_in_three_steps(engine: Engine) {
    let (server, loaded) = loaded(engine).await;
    let plan = format!("/v1/plans/{}", loaded.example_plan_id.expect("release 1.19"));
    for (as_of, planned, earned, spi) in [
        ("2020-04-12", 0.0, 0.0, Value::Null),
        ("2020-07-01", 26.0, 15.0, json!(15.0 / 26.0)),
        ("2020-08-25", 30.0, 28.0, json!(28.0 / 30.0)),
        ("2020-09-03", 30.0, 30.0, json!(1.0)),
        ("2030-01-01", 30.0, 30.0, json!(1.0)),
    ] {
        let value = server.get(&format!("{plan}/earned-value?as_of={as_of}")).await.expect(200);
        let seen = (&value["budget_at_completion"], &value["planned_value"], &value["earned_value"], &value["spi"]);
        assert_eq!(seen, (&json!(30.0), &json!(planned), &json!(earned), &spi), "{as_of}");
        let reason = if spi.is_null() { json!("nothing_planned_yet") } else { Value::Null };
        assert_eq!(value["spi_reason"], reason, "{as_of}");
    }
    let release = server.get(&format!("{plan}/milestones/v1.19.0-released")).await.expect(200);
    let seen =
        ["planned_on", "actual_on", "variance_days", "forecast_changes", "status"].map(|field| release[field].clone());
    assert_eq!(seen, [json!("2020-06-30"), json!("2020-08-26"), json!(57), json!(3), json!("achieved")]);
    // The release was 35 days late after the first announcement, 56 after the second and 57 after the third.
    for (as_of, forecast, variance) in [
        ("2020-04-23", "2020-06-30", 0),
        ("2020-04-24", "2020-08-04", 35),
        ("2020-06-15", "2020-08-25", 56),
        ("2020-08-24", "2020-08-26", 57),
    ] {
        let then = server.get(&format!("{plan}/milestones/v1.19.0-released?as_of={as_of}")).await.expect(200);
        assert_eq!((&then["forecast_on"], &then["variance_days"]), (&json!(forecast), &json!(variance)), "{as_of}");
    }
}

/// Release 1.35 never changed a date and met every date.
async fn a_plan_that_never_slipped_has_spi_1_throughout(engine: Engine) {
    let (server, _) = loaded(engine).await;
    let plan =
        server.get("/v1/plans?q=1.35").await.expect(200)["data"][0]["id"].as_str().expect("release 1.35").to_owned();
    let milestones = server.get(&format!("/v1/plans/{plan}/milestones")).await.expect(200);
    let mut days: Vec<String> =
        pluck(&milestones, "planned_on").into_iter().filter_map(Value::as_str).map(str::to_owned).collect();
    days.dedup();
    assert!(days.len() > 20, "{days:?}");
    for day in days {
        let value = server.get(&format!("/v1/plans/{plan}/earned-value?as_of={day}")).await.expect(200);
        assert_eq!((&value["spi"], &value["schedule_variance"]), (&json!(1.0), &json!(0.0)), "{day}");
    }
}

/// On 2020-07-01: releases 1.15 (24 of 24) and 1.17 (29 of 29) were over, 1.19 stood at 15 of 26, the others had not begun.
async fn the_portfolio_is_summed_and_then_divided(engine: Engine) {
    let (server, _) = loaded(engine).await;
    let report = server.get("/v1/reports/spi?as_of=2020-07-01").await.expect(200);
    let total = &report["total"];
    let seen = (&total["plans"], &total["planned_value"], &total["earned_value"], &total["spi"], &total["unit"]);
    assert_eq!(seen, (&json!(11), &json!(79.0), &json!(68.0), &json!(68.0 / 79.0), &json!("milestones")));
    let row =
        report["data"].as_array().expect("rows").iter().find(|row| row["name"] == "Release 1.19").expect("its row");
    assert_eq!(
        (&row["customer_name"], &row["kind"], &row["spi"]),
        (&json!("Kubernetes"), &json!("delivery"), &json!(15.0 / 26.0))
    );
    // Forecasts on that day: fifteen milestones still open, two of them at most a week late, two not due yet.
    assert_eq!(
        row["status_counts"],
        json!({ "on_track": 2, "at_risk": 2, "delayed": 11, "achieved": 15, "waived": 0, "cancelled": 0 })
    );
    assert_eq!(row["next_milestone"]["expected_on"], "2020-07-06");
}

async fn loading_twice_changes_nothing(engine: Engine) {
    let (server, _) = loaded(engine).await;
    let before = server.get("/v1/ledger?sort=-sequence&limit=1").await.expect(200);
    demo::import(&server.url, &server.key).await.expect("loaded");
    assert_eq!(server.get("/v1/ledger?sort=-sequence&limit=1").await.expect(200)["data"], before["data"]);
}

/// Release 1.19 was planned from 2020-04-13 to 2020-08-20: 130 days. It ended with its retrospective on 2020-09-03: 144
/// days. In the end, SPI is therefore 1 and SPI(t) is 130/144, and both stay the same years later.
async fn in_time_a_late_release_stays_late(engine: Engine) {
    let (server, loaded) = loaded(engine).await;
    let plan = format!("/v1/plans/{}", loaded.example_plan_id.expect("release 1.19"));
    for as_of in ["2020-09-03", "2030-01-01"] {
        let value = server.get(&format!("{plan}/earned-value?as_of={as_of}&period=day")).await.expect(200);
        let seen = ["planned_duration", "actual_time", "earned_schedule", "spi", "spi_t", "sv_t"]
            .map(|field| value[field].clone());
        assert_eq!(
            seen,
            [json!(130.0), json!(144.0), json!(130.0), json!(1.0), json!(130.0 / 144.0), json!(-14.0)],
            "{as_of}"
        );
        assert_eq!((&value["tspi"], &value["tspi_reason"]), (&Value::Null, &json!("planned_duration_passed")));
        assert_eq!(value["ieac_on"], "2020-09-03");
    }
    // On 2020-07-01 fifteen were done. The plan had expected the 14th and 15th by 2 June and 5 June: PV 14 at the end of day 51, the
    // next planned day, 5 June (day 54), brings it to 15, and nothing more is planned before 11 June (day 60): ES is 59.
    let value = server.get(&format!("{plan}/earned-value?as_of=2020-07-01&period=day")).await.expect(200);
    assert_eq!((&value["actual_time"], &value["earned_schedule"]), (&json!(80.0), &json!(59.0)));
    assert_eq!((&value["spi_t"], &value["p_factor"]), (&json!(59.0 / 80.0), &json!(1.0)));
    let before = server.get(&format!("{plan}/earned-value?as_of=2020-04-12")).await.expect(200);
    assert_eq!((&before["spi_t"], &before["spi_t_reason"]), (&Value::Null, &json!("not_started")));
    let series = server.get(&format!("{plan}/earned-value/series")).await.expect(200);
    let points = series["data"].as_array().expect("points");
    assert_eq!(points.len(), 21, "144 days are twenty weeks and four days");
    assert_eq!((&points[0]["on"], &points[0]["planned_value"]), (&json!("2020-04-19"), &json!(4.0)));
    let last = &points[20];
    assert_eq!(
        (&last["planned_value"], &last["earned_value"], &last["spi"]),
        (&json!(30.0), &json!(30.0), &json!(1.0))
    );
    let days = server.get(&format!("{plan}/earned-value/series?period=day")).await.expect(200);
    assert_eq!(days["data"].as_array().map(Vec::len), Some(144));
}
