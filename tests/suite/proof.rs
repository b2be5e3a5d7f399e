//! Simulation and backtest: a model is applied to customers and compared with their outcomes.

use chrono::{Duration, NaiveDate};
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::health::{activate, active_days_factor, active_on, pulse_factor};
use crate::samples::{create, create_customer, pluck};

on_both_engines!(
    a_candidate_is_tried_on_customers,
    a_model_is_held_against_outcomes,
    too_few_losses_prove_nothing,
    the_shipped_model_on_synthetic_truth,
    the_demos_model_ranks_real_accounts,
);

async fn a_candidate_is_tried_on_customers(engine: Engine) {
    let server = Server::start(engine).await;
    activate(&server, "pulse", json!({ "name": "Pulse", "factors": [pulse_factor(1.0)] })).await;
    for (name, pulse, days) in [("busy", 50.0, 4), ("idle", 80.0, 0), ("even", 60.0, 3)] {
        let id = create_customer(&server, name).await;
        server.post(&format!("/v1/customers/{id}/pulses"), json!({ "score": pulse })).await.expect(201);
        let week = ["2026-04-01", "2026-05-01", "2026-05-02", "2026-05-03", "2026-05-04"];
        active_on(&server, name, &week[..=days]).await;
    }
    let rescue = json!({ "name": "P", "trigger": { "kind": "band_entered", "bands": ["critical"] }, "action": { "kind": "coaching", "title": "T", "due_in_days": 1 } });
    create(&server, "/v1/playbooks", json!({ "key": "rescue", "content": rescue })).await;
    let candidate = json!({ "name": "Active", "factors": [active_days_factor(1.0)] });
    create(&server, "/v1/health-models/pulse/versions", candidate).await;
    let tried = server.call("POST", "/v1/health-models/pulse/simulate").send().await.expect(200);
    assert_eq!((&tried["candidate"], &tried["customers"]), (&json!(2), &json!(3)), "a draft can be tried");
    let migrations = json!([
        { "from": "healthy", "to": "critical", "customers": 1 },
        { "from": "at_risk", "to": "healthy", "customers": 1 },
        { "from": "at_risk", "to": "at_risk", "customers": 1 },
    ]);
    assert_eq!(tried["migrations"], migrations);
    assert_eq!(tried["playbooks"], json!([{ "key": "rescue", "customers": 1 }]), "of whom it would react to");
    let movers: Vec<(&str, f64)> = tried["movers"]
        .as_array()
        .expect("movers")
        .iter()
        .map(|one| (one["name"].as_str().expect("a name"), one["delta"].as_f64().expect("a delta")))
        .collect();
    assert_eq!(movers, [("idle", -80.0), ("busy", 30.0)], "even does not move");
    assert_eq!(pluck(&tried, "name"), [&json!("busy"), &json!("even"), &json!("idle")]);
    let active = server.call("POST", "/v1/health-models/pulse/simulate?version=1").send().await.expect(200);
    assert_eq!((&active["mean_delta"], &active["movers"]), (&json!(0.0), &json!([])));
    server.call("POST", "/v1/health-models/shipped/simulate").send().await.expect(200);
    server.call("POST", "/v1/health-models/pulse/simulate?version=9").send().await.problem(404, "not_found");
}

/// Creates thirty customers and one without any data. The first twelve are lost within the month. All of them are
/// seldom active, except for the very first.
async fn thirty_customers(server: &Server) {
    for number in 0..30 {
        let name = format!("c{number:02}");
        create_customer(server, &name).await;
        let days = ["2026-05-01", "2026-05-02", "2026-05-03", "2026-05-04"];
        active_on(server, &name, if (1..12).contains(&number) { &days[..1] } else { &days }).await;
    }
    create_customer(server, "unseen").await;
    server.clock.advance(Duration::days(20));
    for number in 0..12 {
        lose(server, &format!("c{number:02}"), "2026-05-20").await;
    }
    server.clock.advance(Duration::days(20));
}

async fn lose(server: &Server, name: &str, on: &str) {
    let customer = server.get(&format!("/v1/customers/by-ref/{name}")).await.expect(200);
    let path = format!("/v1/customers/{}/outcomes", customer["id"].as_str().expect("an id"));
    server.post(&path, json!({ "kind": "churned", "occurred_on": on })).await.expect(201);
}

async fn a_model_is_held_against_outcomes(engine: Engine) {
    let server = Server::start(engine).await;
    thirty_customers(&server).await;
    let mut constant = active_days_factor(1.0);
    constant["curve"] = json!([{ "x": 0, "y": 50 }]);
    activate(&server, "m", json!({ "name": "Constant", "factors": [constant] })).await;
    create(&server, "/v1/health-models/m/versions", json!({ "name": "Active", "factors": [active_days_factor(1.0)] }))
        .await;
    let question = json!({ "horizon_days": 30, "from": "2026-05-04", "to": "2026-12-31" });
    let proven = server.post("/v1/health-models/m/backtest", question.clone()).await.expect(200);
    assert_eq!(proven["evaluated_on"], json!(["2026-05-04"]));
    assert_eq!((&proven["cases"], &proven["churned"], &proven["unscored"]), (&json!(30), &json!(12), &json!(1)));
    // Of 12 x 18 pairs, 11 x 18 are in the right order and 18 are ties.
    let area = (11.0 * 18.0 + 9.0) / (12.0 * 18.0);
    assert!((proven["auc"]["area"].as_f64().expect("an area") - area).abs() < 1e-12);
    assert!(proven["auc"]["from"].as_f64() < Some(area) && proven["auc"]["to"].as_f64() > Some(area));
    assert_eq!((&proven["active"]["area"], &proven["active"]["cases"]), (&json!(0.5), &json!(30)));
    assert!(proven["active"]["p_value"].as_f64() < Some(0.001), "better than a constant");
    assert_eq!(proven["critical"], json!({ "below": 40.0, "flagged": 11, "precision": 1.0, "recall": 11.0 / 12.0 }));
    assert_eq!(proven["lift_at_top_decile"], 2.5);
    assert_eq!(pluck(&json!({ "data": proven["calibration"] }), "observed"), [&json!(1.0), &json!(1.0 / 19.0)]);
    assert!(proven["median_lead_days"].as_f64() >= Some(15.0), "{}", proven["median_lead_days"]);
    // Events that arrive later about earlier days must not change the knowledge of that time.
    for number in 1..12 {
        active_on(&server, &format!("c{number:02}"), &["2026-05-02", "2026-05-03", "2026-05-04"]).await;
    }
    active_on(&server, "unseen", &["2020-01-01"]).await;
    let again = server.post("/v1/health-models/m/backtest", question.clone()).await.expect(200);
    assert_eq!(again, proven);
    let mut imported = question;
    imported["known_by"] = json!("occurred");
    let hindsight = server.post("/v1/health-models/m/backtest", imported).await.expect(200);
    assert_eq!(hindsight["unscored"], 0, "the event of 2020 counts, too early");
    // All customers are alike except for one, which stays and scores less than those that are lost.
    assert!((hindsight["auc"]["area"].as_f64().expect("an area") - 9.0 / 19.0).abs() < 1e-12);
}

async fn too_few_losses_prove_nothing(engine: Engine) {
    let server = Server::start(engine).await;
    activate(&server, "m", json!({ "name": "Active", "factors": [active_days_factor(1.0)] })).await;
    let ask = |from: &str, to: &str| {
        server.post("/v1/health-models/m/backtest", json!({ "horizon_days": 30, "from": from, "to": to }))
    };
    let refused = ask("2026-01-01", "2026-03-01").await;
    assert!(refused.text.contains("but at least 10 are needed"), "{}", refused.text);
    assert_eq!(refused.problem(422, "validation_failed"), errors(&[("", "too_few_events")]));
    let open = ask("2026-04-20", "2026-05-04").await.problem(422, "validation_failed");
    assert_eq!(open, errors(&[("/to", "horizon_not_over")]));
}

/// Generator of the same numbers from 0 to 1 on every machine (D. H. Lehmer's, modulus 2^31 - 1).
struct Lehmer(u64);

impl Lehmer {
    fn next(&mut self) -> f64 {
        self.0 = self.0 * 48_271 % 2_147_483_647;
        f64::from(u32::try_from(self.0).expect("below 2^31")) / 2_147_483_647.0
    }
}

/// Creates 240 customers over a year. Each has an inclination that changes randomly from quarter to quarter. With a
/// greater inclination, a customer is active more often, uses more features, opens fewer tickets, and is less likely to
/// be lost in the next quarter. The true probability is known. Returns the true probability of each customer and
/// quarter, and whether the customer was lost.
pub async fn synthetic_customers(server: &Server) -> Vec<(f64, bool)> {
    let first = NaiveDate::from_ymd_opt(2025, 1, 1).expect("a date");
    let mut random = Lehmer(20_260_504);
    let (mut lines, mut losses, mut truth) = (String::new(), vec![], vec![]);
    let mut items = vec![];
    for customer in 0..240 {
        let name = format!("s{customer:03}");
        items.push(json!({ "external_ref": name, "name": name, "since_on": "2024-10-01" }));
        let mut inclination = random.next();
        for quarter in 0..4i64 {
            let end = first + Duration::days(90 * quarter);
            for back in 0..30 {
                let day = end - Duration::days(back);
                if random.next() < 0.05 + 0.6 * inclination {
                    let kind = (random.next() * (1.0 + 6.0 * inclination)).floor();
                    lines += &json!({ "id": format!("{name}-{day}"), "source": "app", "type": format!("app.feature{kind}"), "subject": name, "time": format!("{day}T09:00:00Z") }).to_string();
                    lines.push('\n');
                }
                if random.next() < 0.12 * (1.0 - inclination) {
                    lines += &json!({ "id": format!("{name}-t{day}"), "source": "desk", "type": "support.ticket", "subject": name, "time": format!("{day}T10:00:00Z") }).to_string();
                    lines.push('\n');
                }
            }
            let chance = 0.35 * (1.0 - inclination).powi(3) + 0.01;
            let is_lost = random.next() < chance;
            truth.push((chance, is_lost));
            if is_lost {
                losses.push((name.clone(), end + Duration::days(1 + i64::from(customer % 80))));
                break;
            }
            inclination = (inclination + 0.4 * (random.next() - 0.5)).clamp(0.0, 1.0);
        }
    }
    server.post("/v1/customers/bulk", json!({ "items": items })).await.expect(200);
    for some in lines.lines().collect::<Vec<_>>().chunks(5000) {
        let sent = server.call("POST", "/v1/events").body("application/x-ndjson", some.join("\n")).send().await;
        assert_eq!(sent.expect(200)["rejected"], 0);
    }
    for (name, on) in &losses {
        lose(server, name, &on.to_string()).await;
    }
    truth
}

#[expect(clippy::print_stdout, reason = "the figures, for who asks with --nocapture")]
async fn the_shipped_model_on_synthetic_truth(engine: Engine) {
    let server = Server::start(engine).await;
    let truth = synthetic_customers(&server).await;
    let question = json!({ "horizon_days": 90, "from": "2025-01-01", "to": "2025-12-01", "known_by": "occurred" });
    let proven = server.post("/v1/health-models/shipped/backtest", question).await.expect(200);
    println!("{proven:#}");
    let figures: Vec<f64> = truth.iter().map(|(chance, _)| *chance).collect();
    let lost: Vec<bool> = truth.iter().map(|(_, is_lost)| *is_lost).collect();
    let best = milepost_domain::statistics::roc::auc(&figures, &lost).expect("both kinds").area;
    println!("the true chances: {best:.3}");
    let area = proven["auc"]["area"].as_f64().expect("an area");
    assert_eq!(proven["churned"], lost.iter().filter(|one| **one).count(), "every loss is seen once");
    assert!(area > 0.7 && area <= best + 0.05, "{area} where the truth itself has {best}");
    assert!(proven["lift_at_top_decile"].as_f64() > Some(1.5));
    assert_eq!(proven["cases"].as_u64().zip(proven["unscored"].as_u64()).map(|(a, b)| a + b), Some(truth.len() as u64));
    let observed: Vec<f64> = proven["calibration"]
        .as_array()
        .expect("bins")
        .iter()
        .map(|bin| bin["observed"].as_f64().expect("a share"))
        .collect();
    assert!(observed.first() > observed.last(), "{}", Value::from(observed.clone()));
}

/// The leading accounts on two days with their scores, computed from the file by a separate script.
const LEADERS: [(&str, [(&str, f64); 5]); 2] = [
    (
        "2019-06-30",
        [
            ("acct-c41c8aa009", 81.0),
            ("acct-585d817b57", 72.0),
            ("acct-5c67c6e6ae", 70.5),
            ("acct-9b2613a0a2", 47.0),
            ("acct-b4cd0aa522", 42.0),
        ],
    ),
    (
        "2022-03-31",
        [
            ("acct-8d9f817f86", 94.0),
            ("acct-9b2613a0a2", 88.0),
            ("acct-8238fc77d7", 71.0),
            ("acct-b4cd0aa522", 70.0),
            ("acct-401da6c8c7", 64.5),
        ],
    ),
];

async fn the_demos_model_ranks_real_accounts(engine: Engine) {
    let server = Server::start(engine).await;
    milepost::commands::demo::import(&server.url, &server.key).await.expect("the demo");
    let again = milepost::commands::demo::import(&server.url, &server.key).await.expect("the demo again");
    assert_eq!((again.events, again.known_events), (0, 5451));
    for (as_of, leaders) in LEADERS {
        let all =
            server.call("POST", &format!("/v1/health-models/activity/simulate?as_of={as_of}")).send().await.expect(200);
        let mut ranked: Vec<(&str, f64)> = all["data"]
            .as_array()
            .expect("accounts")
            .iter()
            .filter_map(|one| Some((one["name"].as_str()?, one["to_score"].as_f64()?)))
            .collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        assert_eq!(ranked[..5], leaders, "{as_of}");
        let first =
            server.get(&format!("/v1/customers/by-ref/{}/health?as_of={as_of}", leaders[0].0)).await.expect(200);
        assert_eq!(
            (&first["score"], &first["band"], &first["coverage"]),
            (&json!(leaders[0].1), &json!("healthy"), &json!(1.0))
        );
    }
    let counted = server.call("POST", "/v1/health-models/activity/simulate?as_of=2022-03-31").send().await.expect(200);
    let bands = ["healthy", "at_risk", "critical"]
        .map(|band| counted["data"].as_array().expect("accounts").iter().filter(|one| one["to_band"] == band).count());
    assert_eq!(bands, [4, 3, 55], "and 55 that have not begun are unknown");
    let report = server.get("/v1/reports/health").await.expect(200);
    assert_eq!(report["customers"], 118);
}
