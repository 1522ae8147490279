//! What a PDF page draws, collected instead of painted.
//!
//! One pass over the content gives everything the reader needs: the glyphs with what they say and where they stand, the
//! ruled lines, how much of the page images cover, and how many glyphs say nothing. The last two decide whether the text
//! layer can be trusted or the page must be looked at instead.
//!
//! Where the file does not say which character a glyph is, two guesses are good enough to make: the character code as
//! ASCII (Type 1 and Type 3 fonts), and the embedded font's own character map read backwards. What is left is counted.

use std::collections::HashMap;

use hayro_cmap::BfString;
use hayro_interpret::font::{Glyph, GlyphRun, OutlineFontData, OutlineGlyph};
use hayro_interpret::{BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask};
use kurbo::{Affine, BezPath, PathSeg, Point, Rect, Shape, Size};
use skrifa::MetadataProvider;

use super::words::{Letters, PlacedGlyph};

/// Glyph space: a font's design is 1000 units high.
const UNITS: f64 = 1000.0;
/// A glyph without a width is taken to be half as wide as high.
const UNKNOWN_WIDTH: f32 = 500.0;
/// Ascent and descent where the font does not say: the mean of the standard fourteen.
const USUAL_ASCENT: f64 = 0.76;
const USUAL_DESCENT: f64 = 0.22;
/// A box thinner than this many points is a ruled line ...
const RULING_THICKNESS: f64 = 2.5;
/// ... when it is at least this long.
const RULING_LENGTH: f64 = 8.0;
/// A page has no use for more; a drawing made of lines has.
const MAXIMUM_RULINGS: usize = 4_000;
/// A page with more glyphs is no document.
const MAXIMUM_GLYPHS: usize = 1_000_000;

/// How high a font stands over its baseline and how deep it goes, in type sizes, and what its glyphs mean.
#[derive(Clone)]
struct FontFacts {
    ascent: f64,
    descent: f64,
    /// Glyph to character, from the font's own character map; built only when it is needed.
    characters: Option<HashMap<u32, char>>,
}

impl Default for FontFacts {
    fn default() -> FontFacts {
        FontFacts { ascent: USUAL_ASCENT, descent: USUAL_DESCENT, characters: None }
    }
}

/// Everything drawn on one page.
pub(super) struct Drawn {
    page: Size,
    pub glyphs: Vec<PlacedGlyph>,
    /// Glyphs that say nothing, however one asks.
    pub unknown_glyphs: usize,
    /// Ruled lines, in points.
    pub rulings: Vec<Rect>,
    /// Share of the page that its largest image covers, in `[0, 1]`.
    pub image_share: f64,
    /// Pixels of the largest image, as its header has them.
    pub largest_image_pixels: u64,
    /// Paths that are neither ruled lines nor clips.
    pub outlines: usize,
    fonts: HashMap<u128, FontFacts>,
}

impl Drawn {
    pub(super) fn new(page: Size) -> Drawn {
        Drawn {
            page,
            glyphs: Vec::new(),
            unknown_glyphs: 0,
            rulings: Vec::new(),
            image_share: 0.0,
            largest_image_pixels: 0,
            outlines: 0,
            fonts: HashMap::new(),
        }
    }

    fn push_ruling(&mut self, rect: Rect) {
        let (long, thin) = (rect.width().max(rect.height()), rect.width().min(rect.height()));
        if long >= RULING_LENGTH && thin <= RULING_THICKNESS && self.rulings.len() < MAXIMUM_RULINGS {
            self.rulings.push(rect);
        }
    }

    /// A stroked path: each straight piece that runs level or upright.
    fn push_strokes(&mut self, path: &BezPath, transform: Affine, line_width: f64) {
        let half = (line_width * transform.determinant().abs().sqrt()).min(RULING_THICKNESS) / 2.0;
        for segment in path.segments() {
            let PathSeg::Line(line) = transform * segment else { continue };
            self.push_ruling(Rect::from_points(line.p0, line.p1).inflate(half, half));
        }
    }

    /// What the run's font says about itself; a run is shown in one font.
    fn font_of(&mut self, run: &GlyphRun<'_, '_>) -> (Option<OutlineFontData>, f64, f64) {
        let data = run.glyphs().first().and_then(|glyph| match &**glyph {
            Glyph::Outline(outline) => outline.font_data(),
            Glyph::Type3(_) => None,
        });
        let Some(data) = data else { return (None, USUAL_ASCENT, USUAL_DESCENT) };
        let facts = self.fonts.entry(data.cache_key).or_insert_with(|| metrics(&data));
        let (ascent, descent) = (facts.ascent, facts.descent);
        (Some(data), ascent, descent)
    }

    fn letters(&mut self, glyph: &Glyph<'_>, font: Option<&OutlineFontData>) -> Option<Letters> {
        match glyph.as_unicode() {
            Some(BfString::Char(c)) if !is_private(c) => Some(Letters::One(c)),
            Some(BfString::String(text)) if !text.is_empty() => Some(Letters::Several(text.into())),
            _ => match (glyph, font) {
                (Glyph::Outline(outline), Some(font)) => self.by_character_map(outline, font),
                _ => ascii(glyph.char_code()),
            }
            .map(Letters::One),
        }
    }

    fn by_character_map(&mut self, glyph: &OutlineGlyph, font: &OutlineFontData) -> Option<char> {
        let facts = self.fonts.entry(font.cache_key).or_default();
        let characters = facts.characters.get_or_insert_with(|| reverse_character_map(font));
        let c = characters.get(&glyph.glyph_id().to_u32()).copied()?;
        match c as u32 {
            // Symbol fonts hang ASCII into the private area.
            code @ 0xf020..=0xf07e => ascii(code - 0xf000),
            _ if is_private(c) => None,
            _ => Some(c),
        }
    }
}

fn is_private(c: char) -> bool {
    ('\u{e000}'..='\u{f8ff}').contains(&c) || c == '\u{fffd}' || c == '\0'
}

fn ascii(code: u32) -> Option<char> {
    (0x20..0x7f).contains(&code).then(|| char::from_u32(code)).flatten()
}

/// Ascent and descent as the font has them; constants where it has none or nonsense.
fn metrics(font: &OutlineFontData) -> FontFacts {
    let Ok(font) = skrifa::FontRef::from_index((*font.data).as_ref(), 0) else { return FontFacts::default() };
    let metrics = font.metrics(skrifa::instance::Size::unscaled(), skrifa::instance::LocationRef::default());
    let units = f64::from(metrics.units_per_em.max(1));
    let (ascent, descent) = (f64::from(metrics.ascent) / units, -f64::from(metrics.descent) / units);
    if (0.4..=1.3).contains(&ascent) && (0.05..=0.6).contains(&descent) {
        FontFacts { ascent, descent, characters: None }
    } else {
        FontFacts::default()
    }
}

fn reverse_character_map(font: &OutlineFontData) -> HashMap<u32, char> {
    let mut characters = HashMap::new();
    let Ok(font) = skrifa::FontRef::from_index((*font.data).as_ref(), 0) else { return characters };
    for (code, glyph) in font.charmap().mappings() {
        let Some(c) = char::from_u32(code) else { continue };
        let known = characters.entry(glyph.to_u32()).or_insert(c);
        // One drawing may serve several characters (hyphen and minus): the plain one is meant.
        if c.is_ascii_graphic() {
            *known = c;
        }
    }
    characters
}

impl Device<'_> for Drawn {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'_>, mode: &DrawMode) {
        match mode {
            DrawMode::Stroke(stroke) | DrawMode::FillAndStroke(_, stroke) => {
                self.push_strokes(path, props.transform, f64::from(stroke.line_width));
            }
            DrawMode::Fill(_) => {
                self.outlines += 1;
                self.push_ruling(props.transform.transform_rect_bbox(path.bounding_box()));
            }
            DrawMode::Invisible => {}
        }
    }

    fn draw_rect(&mut self, rect: &Rect, props: DrawProps<'_>, mode: &DrawMode) {
        match mode {
            DrawMode::Stroke(stroke) | DrawMode::FillAndStroke(_, stroke) => {
                self.push_strokes(&rect.to_path(0.1), props.transform, f64::from(stroke.line_width));
            }
            DrawMode::Fill(_) => self.push_ruling(props.transform.transform_rect_bbox(*rect)),
            DrawMode::Invisible => {}
        }
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, '_>, props: DrawProps<'_>, _: &DrawMode) {
        let (font, ascent, descent) = self.font_of(run);
        for glyph in run.glyphs() {
            if self.glyphs.len() >= MAXIMUM_GLYPHS {
                return;
            }
            let Some(text) = self.letters(glyph, font.as_ref()) else {
                self.unknown_glyphs += 1;
                continue;
            };
            let transform = props.transform * glyph.transform();
            let origin = transform * Point::ZERO;
            let vector = |x: f64, y: f64| transform * Point::new(x, y) - origin;
            let width = match &**glyph {
                Glyph::Outline(outline) => outline.advance_width(),
                Glyph::Type3(drawing) => drawing.advance_width(),
            };
            let (along, up) = (vector(UNITS, 0.0), vector(0.0, UNITS));
            let size = up.hypot();
            if size == 0.0 || along.hypot() == 0.0 {
                continue;
            }
            self.glyphs.push(PlacedGlyph {
                text,
                origin,
                advance: vector(f64::from(width.unwrap_or(UNKNOWN_WIDTH)), 0.0),
                along: along / along.hypot(),
                up: up / size,
                size,
                ascent,
                descent,
            });
        }
    }

    fn draw_image(&mut self, image: Image<'_, '_>, props: ImageDrawProps<'_>) {
        let pixels = Rect::new(0.0, 0.0, f64::from(image.width()), f64::from(image.height()));
        let shown = props.transform.transform_rect_bbox(pixels).intersect(self.page.to_rect());
        let count = u64::from(image.width()) * u64::from(image.height());
        self.largest_image_pixels = self.largest_image_pixels.max(count);
        let share = shown.area() / self.page.area().max(1.0);
        if share.is_finite() {
            self.image_share = self.image_share.max(share.clamp(0.0, 1.0));
        }
    }

    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'_>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}
