//! The picture: regret that adds up day by day in both worlds, and the early bias by age.

use plotters::{
    backend::SVGBackend,
    coord::Shift,
    drawing::{DrawingArea, IntoDrawingArea as _},
    element::{PathElement, Rectangle, Text},
    prelude::{Color as _, IntoFont as _, RGBColor, ShapeStyle, WHITE},
};

use super::policy::count;

const WIDTH: u32 = 1_080;
const HEIGHT: u32 = 400;
const INK: RGBColor = RGBColor(0x1b, 0x24, 0x30);
const FAINT: RGBColor = RGBColor(0xcb, 0xd5, 0xe1);
const COLOURS: [RGBColor; 5] = [
    RGBColor(0x94, 0xa3, 0xb8),
    RGBColor(0xc2, 0x41, 0x0c),
    RGBColor(0x6d, 0x28, 0xd9),
    RGBColor(0x1d, 0x4e, 0xd8),
    RGBColor(0x0f, 0x76, 0x6e),
];

/// Lines in a panel.
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) along: &'static str,
    pub(crate) lines: Vec<(&'static str, Vec<f64>)>,
    /// How a value of the scale is written.
    pub(crate) unit: &'static str,
}

type Sheet<'a> = DrawingArea<SVGBackend<'a>, Shift>;

pub(crate) fn picture(panels: &[Panel]) -> Result<String, String> {
    let mut svg = String::new();
    {
        let sheet = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        sheet.fill(&WHITE).map_err(|error| error.to_string())?;
        for (panel, part) in panels
            .iter()
            .zip(sheet.split_evenly((1, panels.len().max(1))))
        {
            draw(panel, &part)?;
        }
        sheet.present().map_err(|error| error.to_string())?;
    }
    Ok(svg)
}

fn draw(panel: &Panel, sheet: &Sheet<'_>) -> Result<(), String> {
    let (wide, high) = sheet.dim_in_pixel();
    let pixel = |value: u32| i32::try_from(value).unwrap_or_default();
    let (left, right, top, bottom) = (60, pixel(wide) - 16, 40, pixel(high) - 130);
    let values = || {
        panel
            .lines
            .iter()
            .flat_map(|(_, line)| line.iter().copied())
    };
    let low = values().fold(0.0_f64, f64::min);
    let high = values().fold(f64::MIN_POSITIVE, f64::max);
    let longest = panel
        .lines
        .iter()
        .map(|(_, line)| line.len())
        .max()
        .unwrap_or(2);
    let x = |k: usize| left + round(count(k) / count(longest - 1) * f64::from(right - left));
    let y = |value: f64| bottom - round((value - low) / (high - low) * f64::from(bottom - top));
    let failed = |error: plotters::drawing::DrawingAreaErrorKind<_>| {
        let error: plotters::drawing::DrawingAreaErrorKind<std::io::Error> = error;
        error.to_string()
    };
    let frame = ShapeStyle::from(FAINT).stroke_width(1);
    sheet
        .draw(&Rectangle::new([(left, top), (right, bottom)], frame))
        .map_err(failed)?;
    sheet
        .draw(&PathElement::new([(left, y(0.0)), (right, y(0.0))], frame))
        .map_err(failed)?;
    let small = ("sans-serif", 12).into_font().color(&INK);
    let title = ("sans-serif", 14).into_font().color(&INK);
    sheet
        .draw(&Text::new(panel.title.clone(), (left, 14), title))
        .map_err(failed)?;
    for value in [low, 0.0, high] {
        let label = format!("{:.0}{}", value, panel.unit);
        sheet
            .draw(&Text::new(label, (8, y(value) - 6), small.clone()))
            .map_err(failed)?;
    }
    let under = (left, bottom + 6);
    sheet
        .draw(&Text::new(panel.along, under, small.clone()))
        .map_err(failed)?;
    for (k, ((name, line), colour)) in panel.lines.iter().zip(COLOURS).enumerate() {
        let style = colour.filled().stroke_width(2);
        let points: Vec<(i32, i32)> = line
            .iter()
            .enumerate()
            .map(|(k, value)| (x(k), y(*value)))
            .collect();
        sheet
            .draw(&PathElement::new(points, style))
            .map_err(failed)?;
        let at = bottom + 30 + 18 * i32::try_from(k).unwrap_or_default();
        sheet
            .draw(&PathElement::new(
                [(left, at + 6), (left + 24, at + 6)],
                style,
            ))
            .map_err(failed)?;
        sheet
            .draw(&Text::new(*name, (left + 32, at), small.clone()))
            .map_err(failed)?;
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "a pixel of a picture")]
fn round(value: f64) -> i32 {
    value.round() as i32
}
