//! Import and export of plans as files.

use std::fmt::Write;

use milepost_tests::{Engine, Reply, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::pluck;

on_both_engines!(
    a_file_becomes_a_plan,
    every_mistake_has_its_line_and_column,
    files_of_spreadsheets_are_understood,
    what_is_exported_can_be_brought_back,
    files_of_project_programs_become_plans,
    broken_project_files_are_refused,
    project_files_are_written,
    files_of_primavera_become_plans,
    exports_of_trackers_become_plans,
    mappings_say_what_columns_become,
);

const FILE: &str = "key,name,planned_on,phase,owner,weight,depends_on,started_on,forecast_on,actual_on,acceptance_criteria,note\n\
    a,Access,2026-04-20,Discovery,Ana,2,,,,2026-04-22,All sources can be read.|Credentials are stored.,\n\
    b,\"Build, and run\",2026-05-10,,Ben,3,a:FS+2,2026-04-25,2026-05-15,,,The team grew.\n\
    c,Close,2026-06-01,,,5,a b:SS,,,,,\n";
const PLAN: &str = "/v1/plans/import?name=Rollout&start_on=2026-04-01";

async fn import(server: &Server, path: &str, media_type: &str, body: impl Into<Vec<u8>>) -> Reply {
    let body: Vec<u8> = body.into();
    server.call("POST", path).body(media_type, body).send().await
}

async fn a_file_becomes_a_plan(engine: Engine) {
    let server = Server::start(engine).await;
    let dry = import(&server, &format!("{PLAN}&dry_run=true"), "text/csv", FILE).await.expect(200);
    let expected = json!({ "dry_run": true, "plan_id": null, "format": "csv", "milestones": 3,
        "encoding": "UTF-8", "delimiter": ",", "lost": [], "columns": [] });
    assert_eq!(dry, expected);
    assert_eq!(server.get("/v1/plans").await.expect(200)["data"], json!([]), "nothing was written");
    let imported = import(&server, PLAN, "text/csv; charset=utf-8", FILE).await;
    let path = imported.header("location");
    assert_eq!(imported.expect(201)["milestones"], 3);
    let b = server.get(&format!("{path}/milestones/b")).await.expect(200);
    let seen = ["name", "forecast_on", "note", "state", "weight"].map(|field| b[field].clone());
    assert_eq!(
        seen,
        [json!("Build, and run"), json!("2026-05-15"), json!("The team grew."), json!("in_progress"), json!(3.0)]
    );
    assert_eq!(b["depends_on"], json!([{ "key": "a", "relation": "finish_to_start", "lag_days": 2 }]));
    let a = server.get(&format!("{path}/milestones/a")).await.expect(200);
    assert_eq!((&a["actual_on"], &a["variance_days"]), (&json!("2026-04-22"), &json!(2)));
    assert_eq!(a["acceptance_criteria"], json!(["All sources can be read.", "Credentials are stored."]));
    let key = |call: milepost_tests::Call| call.header("Idempotency-Key", "one").body("text/csv", FILE).send();
    let first = key(server.call("POST", PLAN)).await.expect(201);
    assert_eq!(key(server.call("POST", PLAN)).await.expect(201), first, "sent twice, done once");
}

async fn every_mistake_has_its_line_and_column(engine: Engine) {
    let server = Server::start(engine).await;
    let refused = |body: &'static str| import(&server, PLAN, "text/csv", body);
    let bad = "key,name,planned_on,weight,depends_on\n\
        a,,2026-04-20,1,\n\
        b,Build,20.04.2026,heavy,a:QQ\n\
        é,Close,2026-06-01,1,\n\
        d,Deploy,2026-06-01,1,,x\n";
    let expected = errors(&[
        ("/2/name", "required"),
        ("/3/planned_on", "not_a_date"),
        ("/3/weight", "weight_out_of_range"),
        ("/3/depends_on", "not_a_dependency"),
        ("/4/key", "not_a_key"),
        ("/5", "too_many_cells"),
    ]);
    let reply = refused(bad).await;
    assert!(reply.text.contains("line 3, column planned_on: must be a date such as 2026-03-31"), "{}", reply.text);
    assert_eq!(reply.problem(422, "validation_failed"), expected);
    // Quoted cells span several lines, and lines are counted as a person sees them.
    let together = "key,name,planned_on,depends_on,acceptance_criteria,actual_on\n\
        a,Access,2026-03-20,,\"One.\nTwo.\",\n\
        a,Again,2026-04-20,ghost,,2026-05-09\n";
    let expected = errors(&[
        ("/2/planned_on", "before_start"),
        ("/4/actual_on", "in_the_future"),
        ("/4/key", "duplicate_key"),
        ("/4/depends_on", "unknown_dependency"),
    ]);
    assert_eq!(refused(together).await.problem(422, "validation_failed"), expected);
    for (body, expected) in [
        ("key,name\na,A\n", errors(&[("/1/planned_on", "required")])),
        ("key,name,planned_on,colour\n", errors(&[("/1/colour", "unknown_column")])),
        ("key,name,planned_on,key\n", errors(&[("/1/key", "repeated")])),
        ("key,name,planned_on\n", errors(&[("", "no_milestones")])),
    ] {
        assert_eq!(refused(body).await.problem(422, "validation_failed"), expected, "{body}");
    }
    refused("").await.problem(422, "validation_failed");
    let mut long = "key,name,planned_on\n".to_owned();
    for n in 0..10_000 {
        writeln!(long, "m{n},Milestone,2026-06-01").expect("a line");
    }
    let long = import(&server, PLAN, "text/csv", long).await;
    assert!(long.text.contains("has 10000 milestones, but a plan may start with at most 2000"), "{}", long.text);
    assert_eq!(long.problem(422, "validation_failed"), errors(&[("", "too_many_items")]));
    import(&server, PLAN, "application/msword", "{}").await.problem(415, "unsupported_media_type");
    import(&server, PLAN, "text/csv; charset=klingon", FILE).await.problem(415, "unsupported_media_type");
    let nameless = import(&server, "/v1/plans/import?start_on=2026-04-01", "text/csv", FILE).await;
    assert_eq!(nameless.problem(400, "invalid_parameter"), errors(&[("name", "required")]));
    assert_eq!(server.get("/v1/plans").await.expect(200)["data"], json!([]), "nothing half-written");
}

async fn files_of_spreadsheets_are_understood(engine: Engine) {
    let server = Server::start(engine).await;
    let semicolons = "key;name;planned_on;weight\r\na;Übergabe;2026-04-20;2,5\r\n";
    let with_mark = [b"\xEF\xBB\xBF", semicolons.as_bytes()].concat();
    let latin: Vec<u8> = semicolons.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
    let utf16: Vec<u8> = std::iter::once(0xFEFF).chain(semicolons.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for (media_type, body, encoding) in [
        ("text/csv", with_mark, "UTF-8"),
        ("text/csv; charset=iso-8859-1", latin.clone(), "windows-1252"),
        ("text/csv", utf16, "UTF-16LE"),
    ] {
        let imported = import(&server, PLAN, media_type, body).await;
        let path = imported.header("location");
        let imported = imported.expect(201);
        assert_eq!((&imported["encoding"], &imported["delimiter"]), (&json!(encoding), &json!(";")));
        let a = server.get(&format!("{path}/milestones/a")).await.expect(200);
        assert_eq!((&a["name"], &a["weight"]), (&json!("Übergabe"), &json!(2.5)), "{encoding}");
    }
    let unsaid = import(&server, PLAN, "text/csv", latin).await;
    assert!(unsaid.text.contains("Line 2 is not valid UTF-8"), "{}", unsaid.text);
    unsaid.problem(400, "malformed_body");
}

async fn what_is_exported_can_be_brought_back(engine: Engine) {
    let server = Server::start(engine).await;
    let file = FILE.replace("Close", "=SUM(A1)");
    let first = import(&server, PLAN, "text/csv", file).await.header("location");
    let exported = server.get(&format!("{first}/export")).await;
    assert_eq!(exported.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert!(exported.header("content-disposition").starts_with("attachment; filename=\"plan-"));
    assert!(exported.text.contains("c,'=SUM(A1),"), "{}", exported.text);
    let second = import(&server, PLAN, "text/csv", exported.text.clone()).await.header("location");
    assert_eq!(server.get(&format!("{second}/export")).await.text, exported.text);
    let milestones = server.get(&format!("{second}/milestones")).await.expect(200);
    assert_eq!(pluck(&milestones, "name")[2], "=SUM(A1)");
}

async fn files_of_project_programs_become_plans(engine: Engine) {
    let server = Server::start(engine).await;
    let mspdi = include_str!("../files/rollout.mspdi.xml");
    let gantt_project = include_str!("../files/rollout.gan");
    let lost_of_mspdi = json!([
        ["baselines 1 to 10", 1],
        ["constraints", 1],
        ["dates and figures of summary tasks", 2],
        ["dependencies on summaries or missing tasks", 1],
        ["further resources of a task", 1],
        ["values of custom fields", 1],
    ]);
    let lost_of_gantt_project = json!([
        ["dates and figures of summary tasks", 1],
        ["earlier states of the plan", 1],
        ["holidays of every year, and working days of the calendar", 1],
    ]);
    for (file, format, lost) in
        [(mspdi, "mspdi", lost_of_mspdi), (gantt_project, "gantt_project", lost_of_gantt_project)]
    {
        let dry = import(&server, "/v1/plans/import?dry_run=true", "application/xml", file).await.expect(200);
        assert_eq!((&dry["format"], &dry["milestones"], &dry["plan_id"]), (&json!(format), &json!(4), &Value::Null));
        let found = dry["lost"].as_array().expect("a list").iter();
        assert_eq!(json!(found.map(|one| json!([one["what"], one["count"]])).collect::<Vec<_>>()), lost, "{format}");
        let imported = import(&server, "/v1/plans/import", "application/xml", file).await;
        let path = imported.header("location");
        imported.expect(201);
        let plan = server.get(&path).await.expect(200);
        assert_eq!(
            ["name", "start_on", "weight_unit"].map(|field| plan[field].clone()),
            [json!("Warehouse rollout"), json!("2026-04-01"), json!("days")]
        );
        assert_eq!(
            (&plan["calendar"]["counts"], &plan["calendar"]["holidays"][0]),
            (&json!("business_days"), &json!("2026-05-14"))
        );
        let milestones = server.get(&format!("{path}/milestones")).await.expect(200);
        let of = |field: &str| json!(pluck(&milestones, field));
        assert_eq!(
            of("key"),
            json!(["data-access-confirmed", "shelves-are-labelled", "scanners-run", "go-live"]),
            "{format}"
        );
        let shelves = &milestones["data"][1];
        assert_eq!(
            ["phase", "owner_name", "note", "percent_complete", "state"].map(|field| shelves[field].clone()),
            [json!("Preparation"), json!("Ana"), json!("Two aisles are left."), json!(40.0), json!("in_progress")]
        );
        assert_eq!(
            shelves["depends_on"],
            json!([{ "key": "data-access-confirmed", "relation": "finish_to_start", "lag_days": 2 }])
        );
        assert_eq!(milestones["data"][2]["depends_on"][0]["relation"], "start_to_start");
        assert_eq!(
            (&of("weight")[3], &of("duration_days")[0], &of("state")[0]),
            (&json!(0.0), &json!(10), &json!("achieved"))
        );
        if format == "mspdi" {
            assert_eq!(of("planned_on"), json!(["2026-04-15", "2026-05-06", "2026-05-29", "2026-06-01"]));
            assert_eq!((&of("forecast_on")[1], &of("actual_on")[0]), (&json!("2026-05-12"), &json!("2026-04-17")));
            assert_eq!((&of("duration_days")[1], &of("weight")[1]), (&json!(8), &json!(7.5)), "sixty hours");
        } else {
            assert_eq!(of("planned_on"), json!(["2026-04-14", "2026-04-28", "2026-05-25", "2026-05-26"]));
        }
    }
}

async fn broken_project_files_are_refused(engine: Engine) {
    let server = Server::start(engine).await;
    let import = |file: &str| import(&server, "/v1/plans/import", "application/xml", file.to_owned());
    import("<Project").await.problem(400, "malformed_body");
    import("<html/>").await.problem(400, "malformed_body");
    let bomb = "<!DOCTYPE x [<!ENTITY a \"b\">]><Project><Title>&a;</Title></Project>";
    import(bomb).await.problem(400, "malformed_body");
    let nameless = import("<Project/>").await;
    assert_eq!(nameless.problem(400, "invalid_parameter"), errors(&[("name", "required")]));
    let task = |uid: u32, more: &str| {
        format!("<Task><UID>{uid}</UID><Name>T {uid}</Name><Finish>2026-06-0{uid}T17:00:00</Finish>{more}</Task>")
    };
    let after = |uid: u32| format!("<PredecessorLink><PredecessorUID>{uid}</PredecessorUID></PredecessorLink>");
    let circle =
        format!("<Project><Title>P</Title><Tasks>{}{}</Tasks></Project>", task(1, &after(2)), task(2, &after(1)));
    assert_eq!(
        import(&circle).await.problem(422, "validation_failed"),
        errors(&[("/milestones/0/depends_on", "dependency_cycle")])
    );
    assert_eq!(server.get("/v1/plans").await.expect(200)["data"], json!([]), "nothing half-written");
}

/// Everything that a written project file says of milestones is there when it is read again.
async fn project_files_are_written(engine: Engine) {
    let server = Server::start(engine).await;
    let file = include_str!("../files/rollout.mspdi.xml");
    let first = import(&server, "/v1/plans/import", "text/xml", file).await.header("location");
    let change = json!({ "forecast_on": "2026-06-05", "reason": "The <old> scanners & cables are late." });
    server.post(&format!("{first}/milestones/scanners-run/forecast-changes"), change).await.expect(201);
    let name = json!({ "name": "Scanners run & <beep>", "note": "A note\nof two lines." });
    server.patch(&format!("{first}/milestones/scanners-run"), name).await.expect(200);
    let written = server.get(&format!("{first}/export.xml")).await;
    assert_eq!((written.status.as_u16(), written.header("content-type")), (200, "application/xml".to_owned()));
    let second = import(&server, "/v1/plans/import", "application/xml", written.text.clone()).await;
    let location = second.header("location");
    assert_eq!(second.expect(201)["lost"], json!([{ "what": "dates and figures of summary tasks", "count": 2 }]));
    let (was, is) = (server.get(&first).await.expect(200), server.get(&location).await.expect(200));
    for field in ["name", "start_on", "calendar", "planned_finish_on", "expected_finish_on"] {
        assert_eq!(is[field], was[field], "{field}");
    }
    let milestones = async |path: &str| server.get(&format!("{path}/milestones")).await.expect(200);
    let (was, is) = (milestones(&first).await, milestones(&location).await);
    let fields = [
        "name",
        "phase",
        "owner_name",
        "planned_on",
        "forecast_on",
        "started_on",
        "actual_on",
        "duration_days",
        "percent_complete",
        "note",
    ];
    for field in fields {
        assert_eq!(pluck(&is, field), pluck(&was, field), "{field}");
    }
    let needs =
        |list: &Value| json!(pluck(list, "depends_on")).to_string().replace("scanners-run-beep", "scanners-run");
    assert_eq!(needs(&is), needs(&was));
    server
        .call("GET", &format!("{first}/export.xml"))
        .header("Accept", "text/csv")
        .send()
        .await
        .problem(406, "not_acceptable");
}

async fn files_of_primavera_become_plans(engine: Engine) {
    let server = Server::start(engine).await;
    // The file is in the code page of Windows, as Primavera writes it.
    let file = include_bytes!("../files/rollout.xer").to_vec();
    let dry = import(&server, "/v1/plans/import?dry_run=true", "text/plain", file.clone()).await.expect(200);
    assert_eq!(
        (&dry["format"], &dry["milestones"], &dry["encoding"]),
        (&json!("xer"), &json!(4), &json!("windows-1252"))
    );
    let found = dry["lost"].as_array().expect("a list").iter();
    let lost = json!([
        ["constraints", 1],
        ["further resources of a task", 1],
        ["summary and level-of-effort activities", 1],
        ["values of user-defined fields", 1],
    ]);
    assert_eq!(json!(found.map(|one| json!([one["what"], one["count"]])).collect::<Vec<_>>()), lost);
    let imported = import(&server, "/v1/plans/import", "text/plain", file).await;
    let path = imported.header("location");
    imported.expect(201);
    let plan = server.get(&path).await.expect(200);
    assert_eq!(
        ["name", "start_on", "weight_unit"].map(|field| plan[field].clone()),
        [json!("Warehouse rollout"), json!("2026-04-01"), json!("days")]
    );
    assert_eq!(plan["calendar"]["holidays"], json!(["2026-05-14"]));
    let milestones = server.get(&format!("{path}/milestones")).await.expect(200);
    let of = |field: &str| json!(pluck(&milestones, field));
    assert_eq!(of("key"), json!(["A1000", "A1010", "A1020", "A1030"]));
    assert_eq!(of("planned_on"), json!(["2026-04-15", "2026-05-06", "2026-05-29", "2026-06-01"]));
    assert_eq!((&of("actual_on")[0], &of("forecast_on")[1]), (&json!("2026-04-17"), &json!("2026-05-12")));
    assert_eq!(of("duration_days"), json!([10, 8, 10, 0]));
    let shelves = &milestones["data"][1];
    assert_eq!(
        ["phase", "owner_name", "note", "percent_complete", "started_on"].map(|field| shelves[field].clone()),
        [json!("Preparation"), json!("Ana Müller"), json!("Two aisles are left."), json!(40.0), json!("2026-04-21")]
    );
    assert_eq!(shelves["depends_on"], json!([{ "key": "A1000", "relation": "finish_to_start", "lag_days": 2 }]));
    assert_eq!(milestones["data"][2]["depends_on"][0]["relation"], "start_to_start");
    for body in ["Hello", "ERMHDR\t20.12\n%T\tTASK\n%E\n", ""] {
        import(&server, "/v1/plans/import", "text/plain", body).await.problem(400, "malformed_body");
    }
}

async fn exports_of_trackers_become_plans(engine: Engine) {
    let server = Server::start(engine).await;
    let (jira, github) = (include_str!("../files/jira.csv"), include_str!("../files/github.json"));
    for (file, media_type, from, format, milestones) in
        [(jira, "text/csv", "jira", "mapped_csv", 3), (github, "application/json", "github", "mapped_json", 2)]
    {
        let path = format!("/v1/plans/import?name=Rollout&from={from}");
        let dry = import(&server, &format!("{path}&dry_run=true"), media_type, file).await.expect(200);
        assert_eq!((&dry["format"], &dry["milestones"]), (&json!(format), &json!(milestones)));
        let lost = dry["lost"].as_array().expect("a list");
        assert!(lost.contains(&json!({ "what": "tasks without a finish", "count": 1 })), "{dry}");
        let imported = import(&server, &path, media_type, file).await;
        let plan = imported.header("location");
        imported.expect(201);
        let milestones = server.get(&format!("{plan}/milestones")).await.expect(200);
        let first = &milestones["data"][0];
        let fields = ["name", "planned_on", "actual_on", "state", "phase"].map(|field| first[field].clone());
        assert_eq!(
            json!(fields),
            json!(["Data access confirmed", "2026-04-15", "2026-04-17", "achieved", "Preparation"])
        );
        if from == "jira" {
            assert_eq!(pluck(&milestones, "key"), ["ROLL-1", "ROLL-2", "ROLL-3"]);
            assert_eq!(pluck(&milestones, "weight"), [3.0, 5.0, 8.0], "story points");
            assert_eq!(milestones["data"][2]["depends_on"], json!(["ROLL-1", "ROLL-2"]));
        } else {
            assert_eq!(
                (pluck(&milestones, "key"), &first["owner_name"]),
                (vec![&json!("7"), &json!("9")], &json!("ana"))
            );
            assert!(lost.contains(&json!({ "what": "further owners of an item", "count": 1 })), "{dry}");
        }
        let uses = dry["columns"].as_array().expect("columns");
        let field =
            |column: &str| uses.iter().find(|one| one["column"] == column).map(|one| (&one["field"], &one["filled"]));
        let (known, unknown) =
            if from == "jira" { ("Due date", "Status") } else { ("milestone.due_on", "labels.*.name") };
        let filled = if from == "jira" { [3, 4] } else { [2, 1] };
        assert_eq!(field(known), Some((&json!("planned_on"), &json!(filled[0]))));
        assert_eq!(field(unknown), Some((&Value::Null, &json!(filled[1]))), "it is said what is not taken over");
    }
}

async fn mappings_say_what_columns_become(engine: Engine) {
    let server = Server::start(engine).await;
    let file = "Aufgabe,x\nZugang,1\n";
    let import = async |query: &str, file: &str| {
        import(&server, &format!("/v1/plans/import?name=P&{query}"), "text/csv", file.to_owned()).await
    };
    let german = "Aufgabe,Termin,Wer,Fertig,Nach\nZugang,12.05.2026,Ana,50%,\nBetrieb,20.05.2026,Ben,,Zugang\n";
    let map = "map=name%3DAufgabe&map=key%3DAufgabe&map=planned_on%3DTermin&map=owner%3DWer&map=percent_complete%3DFertig&map=depends_on%3DNach";
    let imported = import(&format!("{map}&date_format=%25d.%25m.%25Y"), german).await;
    let plan = imported.header("location");
    imported.expect(201);
    let milestones = server.get(&format!("{plan}/milestones")).await.expect(200);
    assert_eq!(pluck(&milestones, "planned_on"), ["2026-05-12", "2026-05-20"]);
    assert_eq!(
        (pluck(&milestones, "percent_complete")[0], &milestones["data"][1]["depends_on"][0]),
        (&json!(50.0), &json!("Zugang"))
    );
    let wrong = import(map, german).await.problem(422, "validation_failed");
    assert_eq!(wrong, errors(&[("/1/planned_on", "not_a_date"), ("/2/planned_on", "not_a_date")]));
    let missing = import("map=name%3DAufgabe&map=planned_on%3DTermin", file).await.problem(422, "validation_failed");
    assert_eq!(missing, errors(&[("", "required")]));
    for (query, code) in [
        ("map=name%3DAufgabe", "required"),
        ("map=nonsense%3DAufgabe", "not_an_option"),
        ("map=name", "not_an_option"),
        ("map=name%3DA&map=name%3DB&map=planned_on%3DC", "repeated"),
    ] {
        assert_eq!(import(query, german).await.problem(400, "invalid_parameter"), errors(&[("map", code)]), "{query}");
    }
    let json = server.call("POST", "/v1/plans/import?name=P").body("application/json", "[]").send().await;
    assert_eq!(json.problem(400, "invalid_parameter"), errors(&[("map", "required")]));
}
