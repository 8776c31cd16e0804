//! The systems that report, and how late they do.

/// A system that reports.
#[derive(Clone, Copy, Debug)]
pub(super) struct Desk {
    pub(super) source: &'static str,
    pub(super) department: &'static str,
    pub(super) channel: &'static str,
    /// Within how long its events arrive.
    pub(super) delay: Delay,
}

/// How late events arrive.
#[derive(Clone, Copy, Debug)]
pub(super) enum Delay {
    /// Within seconds.
    Now,
    /// With the next nightly run.
    Nightly,
    /// Some within seconds, some when the device is online again.
    Device,
    /// Within hours.
    Hours,
}

const fn desk(
    source: &'static str,
    department: &'static str,
    channel: &'static str,
    delay: Delay,
) -> Desk {
    Desk {
        source,
        department,
        channel,
        delay,
    }
}

pub(super) const SHOP: Desk = desk("shop", "sales", "web", Delay::Now);
pub(super) const SITE: Desk = desk("site", "web", "web", Delay::Now);
pub(super) const APP: Desk = desk("app", "web", "app", Delay::Device);
pub(super) const REGISTER: Desk = desk("crm", "sales", "web", Delay::Hours);
pub(super) const TILL: Desk = desk("pos", "store", "store", Delay::Nightly);
pub(super) const MAILER: Desk = desk("mailer", "marketing", "email", Delay::Now);
pub(super) const PREFERENCES: Desk = desk("preferences", "marketing", "web", Delay::Now);
pub(super) const BILLING: Desk = desk("billing", "billing", "email", Delay::Nightly);
pub(super) const PARCELS: Desk = desk("parcels", "logistics", "post", Delay::Hours);
pub(super) const PRODUCTS: Desk = desk("products", "product", "app", Delay::Device);
pub(super) const REVIEWS: Desk = desk("reviews", "product", "web", Delay::Now);
pub(super) const SURVEYS: Desk = desk("surveys", "support", "email", Delay::Hours);
pub(super) const LOYALTY: Desk = desk("loyalty", "store", "app", Delay::Nightly);

/// Support, by how the customer comes.
pub(super) const SUPPORT: [Desk; 4] = [
    desk("helpdesk", "support", "email", Delay::Now),
    desk("helpdesk", "support", "phone", Delay::Hours),
    desk("helpdesk", "support", "chat", Delay::Now),
    desk("social", "support", "social", Delay::Hours),
];
