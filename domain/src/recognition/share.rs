//! Sharing of an award in professional networks.

use chrono::{Datelike as _, NaiveDate};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Entry of a profile that shows an award. The holder's name is never a part of it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Name of the badge.
    pub name: &'a str,
    /// Name of the organization.
    pub organization: &'a str,
    /// Address of the public page.
    pub page: &'a str,
    /// Identifier of the award.
    pub id: &'a str,
    /// Day of the award.
    pub awarded_on: NaiveDate,
    /// First day on which it no longer counts.
    pub expires_on: Option<NaiveDate>,
}

/// Returns the address at which a member of LinkedIn adds an award to their profile.
pub fn add_to_linkedin(entry: &Entry<'_>) -> String {
    let month = |prefix: &'static str, on: NaiveDate| {
        [(format!("{prefix}Year"), on.year().to_string()), (format!("{prefix}Month"), on.month().to_string())]
    };
    let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut parameters = vec![
        text("startTask", "CERTIFICATION_NAME"),
        text("name", entry.name),
        text("organizationName", entry.organization),
        text("certUrl", entry.page),
        text("certId", entry.id),
    ];
    parameters.extend(month("issue", entry.awarded_on));
    parameters.extend(entry.expires_on.into_iter().flat_map(|on| month("expiration", on)));
    let escaped = |(name, value): &(String, String)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
    let query: Vec<String> = parameters.iter().map(escaped).collect();
    format!("https://www.linkedin.com/profile/add?{}", query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_escaped() {
        let on = |month, day| NaiveDate::from_ymd_opt(2026, month, day).expect("a date");
        let entry = Entry {
            name: "Cost & value: 100 %",
            organization: "Müller + Söhne",
            page: "https://x.org/credentials/a?b=c&d",
            id: "0199",
            awarded_on: on(5, 4),
            expires_on: None,
        };
        let expected = "https://www.linkedin.com/profile/add?startTask=CERTIFICATION%5FNAME&name=Cost%20%26%20value%3A%20100%20%25\
                        &organizationName=M%C3%BCller%20%2B%20S%C3%B6hne&certUrl=https%3A%2F%2Fx%2Eorg%2Fcredentials%2Fa%3Fb%3Dc%26d\
                        &certId=0199&issueYear=2026&issueMonth=5";
        assert_eq!(add_to_linkedin(&entry), expected);
        let expiring = add_to_linkedin(&Entry { expires_on: Some(on(11, 1)), ..entry });
        assert_eq!(expiring, format!("{expected}&expirationYear=2026&expirationMonth=11"));
    }
}
