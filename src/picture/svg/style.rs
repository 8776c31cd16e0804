//! Colours, fonts and icons.

/// Fonts that have what is written anywhere, Japanese among it.
pub(in crate::picture) const FONTS: &str = "system-ui, -apple-system, 'Segoe UI', 'Hiragino Sans', 'Yu Gothic UI', 'Noto Sans CJK JP', \
    'Noto Sans JP', Meiryo, sans-serif";

/// How classes look, in light and in dark surroundings.
pub(super) const SHEET: &str = "\
.ground{fill:#ffffff}.box{fill:#f4f7fb;stroke:#b6c2d1;stroke-width:1.5}\
.card{fill:#ffffff;stroke:#93a3b6;stroke-width:1.2}.first{stroke-width:3}\
.away{fill:#fffaf5;stroke:#c2410c;stroke-width:1.4;stroke-dasharray:6 4}\
text{fill:#1b2430}.strong{font-weight:700}.faint{fill:#566476}\
.value{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'Noto Sans Mono CJK JP','MS Gothic',monospace;font-weight:600}\
.no{fill:#b23a0a;font-weight:600}.why{fill:#b23a0a}.parted{fill:#6d28d9}.say{fill:#0b6b60}\
.wire{fill:none;stroke:#64748b;stroke-linecap:round}\
.aside{fill:none;stroke:#94a3b8;stroke-dasharray:1 5;stroke-linecap:round}\
.cut{fill:none;stroke:#c2410c;stroke-width:2;stroke-dasharray:7 5}\
.mark{fill:#ffffff;stroke:#c2410c;stroke-width:2}\
.border{stroke:#7c3aed;stroke-width:4}.said{fill:none;stroke:#0f766e;stroke-width:4}\
.glyph{fill:none;stroke:#ffffff;stroke-width:1.5;stroke-linejoin:round;stroke-linecap:round}\
.pill{fill:#fff}.hub{fill:#b91c1c}.shared{fill:#b45309}.contested{fill:#9d174d}.apart{fill:#475569}\
@media(prefers-color-scheme:dark){\
.ground{fill:#12161c}.box{fill:#1a2029;stroke:#445164}.card{fill:#222a35;stroke:#607086}\
.away{fill:#2a2019;stroke:#fb923c}text{fill:#e8edf4}.faint{fill:#a9b6c6}\
.no,.why{fill:#fdba74}.parted{fill:#c4a7fb}.say{fill:#5eead4}.wire{stroke:#8797ab}.aside{stroke:#64748b}\
.cut{stroke:#fb923c}.mark{fill:#12161c;stroke:#fb923c}.border{stroke:#a78bfa}.said{stroke:#2dd4bf}.pill{fill:#fff}}";

/// The colour of a namespace, which is seen on light and on dark.
pub(super) fn colour(namespace: &str) -> &'static str {
    match namespace {
        "customer_id" => "#4f46e5",
        "loyalty_id" => "#b7791f",
        "email" => "#2563eb",
        "phone" => "#15803d",
        "social_handle" => "#be185d",
        "device_id" => "#0e7490",
        "cookie" => "#9a5b1f",
        _ => "#64748b",
    }
}

/// The outline of a namespace's icon, in a square of 16.
fn outline(namespace: &str) -> &'static str {
    match namespace {
        "customer_id" => {
            "M8 8.2a2.9 2.9 0 1 0 0-5.8 2.9 2.9 0 0 0 0 5.8zM2.6 14c.4-2.7 2.6-4 5.4-4s5 1.3 5.4 4z"
        }
        "loyalty_id" => "M8 1.8l1.9 3.9 4.3.6-3.1 3 .7 4.3L8 11.6l-3.8 2 .7-4.3-3.1-3 4.3-.6z",
        "email" => "M1.8 3.6h12.4v8.8H1.8zM1.8 4l6.2 4.9L14.2 4",
        "phone" => {
            "M4.2 1.9l2 3.4-1.4 1.4c.8 1.9 2.2 3.3 4.1 4.1l1.5-1.4 3.5 2-.6 2.4c-6.2.6-12-5.4-11.5-11.4z"
        }
        "social_handle" => {
            "M10.6 8a2.6 2.6 0 1 1-5.2 0 2.6 2.6 0 0 1 5.2 0zm0-2.4v3.2c0 2.6 3.4 2 3.4-.8a6 6 0 1 0-2.6 5"
        }
        "device_id" => "M4 1.8h8v12.4H4zM7 12h2",
        "cookie" => {
            "M8 1.8a6.2 6.2 0 1 0 6.2 6.2c-1.7.1-2.6-.8-2.5-2.3-1.8.2-3-1-2.7-2.7-.6-.2-.9-.6-1-1.2zM5.6 6.4h.1M6.4 10.4h.1M10 9.8h.1"
        }
        _ => "M2.2 2.2h5.4l6.2 6.2-5.4 5.4-6.2-6.2zM5 5h.1",
    }
}

/// How large an icon is drawn.
#[derive(Clone, Copy)]
pub(super) enum Size {
    /// On a card.
    Large,
    /// In the legend.
    Small,
}

/// A namespace's icon around a point.
pub(super) fn icon(namespace: &str, (x, y): (usize, usize), size: Size) -> String {
    let (radius, half, scale) = match size {
        Size::Large => (16, 9, "1.125"),
        Size::Small => (10, 6, "0.75"),
    };
    format!(
        "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{}\"/>\
         <path class=\"glyph\" transform=\"translate({} {}) scale({scale})\" d=\"{}\"/>",
        colour(namespace),
        x - half,
        y - half,
        outline(namespace)
    )
}
