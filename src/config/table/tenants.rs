//! The settings of tenants.

use super::{Form::Text, Setting, setting};
use crate::config::value;

/// They follow those of [`super::TABLE`].
pub(super) static TABLE: &[Setting] = &[
    setting(
        ("tenant_defaults.default_region", "JP", "", Text(REGION)),
        "The country of phone numbers without a prefix, of tenants that are not named. A tenant keeps the one it had when it was first written to.",
        |s, v| {
            v.parsed(&mut s.tenants.defaults.default_region, REGION, |text| {
                text.parse().ok()
            })
        },
    ),
    setting(
        ("tenant_defaults.time_zone", "Asia/Tokyo", "", Text(ZONE)),
        "The zone whose midnight ends a day, of tenants that are not named.",
        |s, v| v.parsed(&mut s.tenants.defaults.time_zone, ZONE, value::zone),
    ),
    setting(
        ("tenant_defaults.han_language", "ja", "", Text(HAN)),
        "In which language texts in Chinese characters alone are read, of tenants that are not named.",
        |s, v| v.parsed(&mut s.tenants.defaults.han_language, HAN, value::han),
    ),
    setting(
        (
            "tenant_defaults.topics.<topic>",
            "see docs/sentiment.md",
            "",
            Text(TERMS),
        ),
        "What texts are about when one of these terms is in them, besides the usual topics or in place of one, of tenants that are not named.",
        |s, v| v.rule(&mut s.tenants.defaults.topics, "topic"),
    ),
    setting(
        (
            "tenant_defaults.survivorship.<trait>",
            "",
            "",
            Text("a rule"),
        ),
        "Which value of the trait is shown when sources differ, of tenants that are not named.",
        |s, v| v.rule(&mut s.tenants.defaults.survivorship, "trait"),
    ),
    setting(
        (
            "tenant_defaults.identity.<namespace>",
            "see docs/identifiers.md",
            "",
            Text(RULES),
        ),
        "The rules of resolution of the namespace, of tenants that are not named and are written to for the first time. Those of others are changed by `customer-profile rules`.",
        |s, v| v.rule(&mut s.tenants.defaults.identity, "namespace"),
    ),
    setting(
        (
            "tenants.<tenant>.default_region",
            "that of `tenant_defaults`",
            "",
            Text(REGION),
        ),
        "The same, of one tenant.",
        |s, v| {
            v.parsed(&mut v.tenant(s)?.default_region, REGION, |text| {
                text.parse().ok()
            })
        },
    ),
    setting(
        (
            "tenants.<tenant>.time_zone",
            "that of `tenant_defaults`",
            "",
            Text(ZONE),
        ),
        "The same, of one tenant.",
        |s, v| v.parsed(&mut v.tenant(s)?.time_zone, ZONE, value::zone),
    ),
    setting(
        (
            "tenants.<tenant>.han_language",
            "that of `tenant_defaults`",
            "",
            Text(HAN),
        ),
        "The same, of one tenant.",
        |s, v| v.parsed(&mut v.tenant(s)?.han_language, HAN, value::han),
    ),
    setting(
        (
            "tenants.<tenant>.topics.<topic>",
            "that of `tenant_defaults`",
            "",
            Text(TERMS),
        ),
        "The same, of one tenant.",
        |s, v| v.rule(&mut v.tenant(s)?.topics, "topic"),
    ),
    setting(
        (
            "tenants.<tenant>.survivorship.<trait>",
            "that of `tenant_defaults`",
            "",
            Text("a rule"),
        ),
        "The same, of one tenant.",
        |s, v| v.rule(&mut v.tenant(s)?.survivorship, "trait"),
    ),
    setting(
        (
            "tenants.<tenant>.identity.<namespace>",
            "that of `tenant_defaults`",
            "",
            Text(RULES),
        ),
        "The same, of one tenant.",
        |s, v| v.rule(&mut v.tenant(s)?.identity, "namespace"),
    ),
];

const REGION: &str = "an ISO 3166 country of two capital letters such as JP";
const ZONE: &str = "an IANA zone such as Asia/Tokyo";
const RULES: &str = "such as `limit 3, hub 5, newest, priority 2, block guest`";
const HAN: &str = "ja, en or und (none)";
const TERMS: &str = "terms between commas";
