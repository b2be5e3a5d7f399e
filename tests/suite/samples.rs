//! Requests that several test modules use.

use std::collections::BTreeSet;

use milepost::store::Conn;
use milepost_tests::Server;
use serde_json::{Value, json};

/// Returns a small plan of three milestones. The first must be finished before the second, and both before the third.
pub fn plan() -> Value {
    json!({
        "name": "Rollout", "start_on": "2026-04-01", "milestones": [
            { "key": "a", "name": "Access", "weight": 2, "planned_on": "2026-04-20" },
            { "key": "b", "name": "Build", "weight": 3, "planned_on": "2026-05-10", "depends_on": ["a"] },
            { "key": "c", "name": "Close", "weight": 5, "planned_on": "2026-06-01", "depends_on": ["a", "b"] },
        ]
    })
}

/// Creates the small plan; returns its path.
pub async fn create_plan(server: &Server) -> String {
    create(server, "/v1/plans", plan()).await
}

/// Creates a plan from a template, with a person in each role; returns its path.
pub async fn create_from_template(server: &Server, template: &str) -> String {
    let version = server.get(&format!("/v1/templates/{template}/versions/1")).await.expect(200);
    let milestones = version["milestones"].as_array().expect("milestones").clone();
    let roles: BTreeSet<&str> = milestones.iter().filter_map(|one| one["owner_name"].as_str()).collect();
    let mut filled = vec![];
    for role in roles {
        let person = json!({ "name": format!("Somebody as {role}"), "kind": "employee", "external_ref": role });
        server.call("PUT", &format!("/v1/people/by-ref/{}", role.replace(' ', "%20"))).json(person).send().await;
        filled.push(json!({ "role": role, "person_ref": role }));
    }
    let plan = json!({ "name": template, "start_on": "2026-05-04", "template": template, "roles": filled });
    create(server, "/v1/plans", plan).await
}

/// Creates a resource; returns its path.
pub async fn create(server: &Server, collection: &str, body: Value) -> String {
    let created = server.post(collection, body).await;
    let location = created.header("location");
    created.expect(201);
    location
}

/// Creates a customer with this name; returns its identifier.
pub async fn create_customer(server: &Server, name: &str) -> String {
    let created = server.post("/v1/customers", json!({ "name": name, "external_ref": name })).await.expect(201);
    created["id"].as_str().expect("an id").to_owned()
}

/// Returns the values of one field of a list's items.
pub fn pluck<'a>(list: &'a Value, field: &str) -> Vec<&'a Value> {
    list["data"].as_array().expect("a list").iter().map(|item| &item[field]).collect()
}

/// Runs statements on a connection of the server's database, past the API.
pub async fn execute(conn: &mut Conn, sql: &str) {
    let sql_text = sqlx::AssertSqlSafe(sql.to_owned());
    let done = match conn {
        Conn::Sqlite(db) => sqlx::raw_sql(sql_text).execute(&mut **db).await.map(drop),
        Conn::Postgres(db) => sqlx::raw_sql(sql_text).execute(&mut **db).await.map(drop),
    };
    done.expect(sql);
}
