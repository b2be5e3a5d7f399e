//! Profiles: what people say of themselves to others, and who sees it.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::recognition::deed::RecognitionConsent;
use crate::values::text::Label;

/// Circle of those who see a person's profile. Whoever may read people everywhere sees all profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ProfileVisibility {
    /// The person alone.
    Private,
    /// Those with a relation to the person: managers, reports, coach, team leads.
    Related,
    /// Everybody on the organization's side; of a customer's participants, those of the same customer.
    #[default]
    Organization,
}

/// Profile of a person, as they keep it themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"pronunciation": "AH-nah peh-TROH-vah", "visibility": "organization", "recognition": "organization"}))]
pub struct ProfileContent {
    /// Pronunciation of the name, such as a respelling or IPA.
    pub pronunciation: Option<Label>,
    /// Circle of those who see the profile. Defaults to `organization`.
    #[serde(default)]
    pub visibility: ProfileVisibility,
    /// Circle in which the person's achievements are shown: on boards and among celebrations. Defaults to `organization`.
    #[serde(default)]
    pub recognition: RecognitionConsent,
}

/// Backgrounds of drawn avatars: white letters on each have a contrast of 4.5 or more (WCAG 2.2, success criterion 1.4.3).
const BACKGROUNDS: [u32; 12] = [
    0x1d_4ed8, 0x15_803d, 0xb9_1c1c, 0x7e_22ce, 0xa2_1caf, 0xbe_185d, 0x0f_766e, 0x92_400e, 0x43_38ca, 0x03_69a1,
    0xc2_410c, 0x4d_7c0f,
];

/// Returns the initials of a name: the first letters of its first and its last word, of words that begin with a letter or a digit.
pub fn initials(name: &str) -> String {
    let mut letters =
        name.split_whitespace().filter_map(|word| word.chars().next().filter(|first| first.is_alphanumeric()));
    let first = letters.next();
    first.into_iter().chain(letters.next_back()).flat_map(char::to_uppercase).collect()
}

/// Returns the background of a person's drawn avatar as RGB: always the same for the same person.
pub fn background(id: Uuid) -> u32 {
    let sum: usize = id.as_bytes().iter().map(|byte| usize::from(*byte)).sum();
    BACKGROUNDS[sum % BACKGROUNDS.len()]
}

#[cfg(test)]
mod tests {
    use strum::VariantArray as _;

    use super::*;
    use crate::recognition::badge::BadgeColor;

    #[test]
    fn initials_of_names() {
        for (name, expected) in [
            ("Ana Petrova", "AP"),
            ("ana maria petrova", "AP"),
            ("Cher", "C"),
            ("Łukasz Żak (extern)", "ŁŻ"),
            ("李雷", "李"),
            ("ßen Stein", "SSS"),
            ("–", ""),
            ("O'Neill", "O"),
        ] {
            assert_eq!(initials(name), expected, "{name}");
        }
    }

    /// Relative luminance of a colour (WCAG 2.2).
    fn luminance(rgb: u32) -> f64 {
        let part = |shift: u32| {
            let value = f64::from((rgb >> shift) & 0xff) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0)
    }

    #[test]
    fn white_letters_can_be_read() {
        let badges = BadgeColor::VARIANTS.iter().flat_map(|color| [color.rgb().0, color.rgb().1]);
        for rgb in BACKGROUNDS.into_iter().chain(badges) {
            let contrast = 1.05 / (luminance(rgb) + 0.05);
            assert!(contrast >= 4.5, "{rgb:06x}: {contrast}");
        }
        let id = Uuid::from_u128(0x0199_f0a2_7c1e_7d52_b1a4_0c8a_3e0f_9d11);
        assert_eq!(background(id), background(id));
    }
}
