"""Build the demonstration dataset: core/demo/images.zip, contents.csv and planted.csv. A development tool.

It needs two npm packages, unpacked (``npm pack NAME``, then ``tar xzf``):
  @lobehub/fluent-emoji-3d@1.1.0   the objects (MIT)
  emoji-datasource-google@16.0.0   their names and categories (emoji.json only)

    python benchmarks/build_demo.py FLUENT/package GOOGLE/package [--sheet SHEET.png]

Every object is drawn once, so that no two pictures of one thing can land on both sides of a split; the planted
duplicates are copies of the same bytes. All chance comes from hashes of code points: the same packages and the
same Pillow and numpy give the same bytes.
"""

import argparse
import csv
import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

TARGET = Path(__file__).resolve().parent.parent / "core" / "demo"
SIDE = 256  # pixels, of every picture
QUALITY = 84
WRONG_LABELS = 24
EXACT_DUPLICATES = 12
DUPLICATES_ELSEWHERE = 6
EPOCH = (2026, 1, 1, 0, 0, 0)  # of every zip entry: no clock in the bytes

# class -> the subcategories of emoji.json that it takes, and single objects from elsewhere
CLASSES: dict[str, tuple[str, str]] = {
    "animal": ("animal-mammal animal-bird animal-amphibian animal-reptile animal-marine animal-bug", ""),
    "building": ("place-building place-religious", "tent circus_tent"),
    "face": ("face-smiling face-affection face-tongue face-hand face-neutral-skeptical face-sleepy face-unwell"
             " face-hat face-glasses face-concerned face-negative", "clown_face"),
    "food": ("food-prepared food-asian food-sweet drink", ""),
    "garden": ("plant-flower plant-other food-fruit food-vegetable", "christmas_tree bamboo tanabata_tree"),
    "person": ("", "baby child bearded_person older_adult no_good ok_woman information_desk_person raising_hand"
               " deaf_person face_palm shrug health_worker student teacher judge farmer cook mechanic factory_worker"
               " office_worker scientist technologist singer artist pilot astronaut firefighter cop sleuth_or_spy"
               " guardsman ninja construction_worker prince princess man_with_turban"
               " man_with_gua_pi_mao person_with_headscarf person_in_tuxedo bride_with_veil pregnant_woman angel santa"
               " mrs_claus superhero supervillain mage fairy vampire merperson elf genie zombie troll massage haircut"
               " walking standing_person kneeling_person person_with_probing_cane runner dancer man_dancing"
               " man_in_business_suit_levitating person_in_steamy_room person_climbing fencer skier"
               " snowboarder golfer surfer swimmer person_with_ball weight_lifter bicyclist"
               " person_doing_cartwheel wrestlers water_polo handball juggling person_in_lotus_position"
               " people_holding_hands couple_with_heart"),
    "tool": ("tool writing phone computer science", "scissors straight_ruler triangular_ruler pushpin paperclip"
             " clipboard hocho spoon fork_and_knife key old_key lock broom plunger razor toothbrush bucket"
             " safety_pin fire_extinguisher syringe stethoscope crutch camera movie_camera video_camera tv radio"
             " flashlight bulb mag microphone studio_microphone alarm_clock stopwatch"
             " sewing_needle thread satellite_antenna shower"),
    "vehicle": ("transport-ground transport-air transport-water", "canoe"),
}  # fmt: skip

# Left out: parts and signs that show no thing of the class, what belongs to two classes, what is drawn cut off, and
# of things drawn almost alike all but one.
LEFT_OUT = frozenset(
    """
    feet feather wing pig_nose spider_web microbe shell coral guide_dog whale2 sheep hatched_chick camel
    bricks rock wood building_construction statue_of_liberty kaaba house_buildings european_post_office
    smile grin laughing smiley relaxed kissing_closed_eyes slightly_frowning_face worried confused frowning
    stuck_out_tongue dotted_line_face face_in_clouds skull skull_and_crossbones hushed anguished weary pensive
    ice_cube salt beers clinking_glasses pouring_liquid olive coconut chestnut
    white_flower empty_nest nest_with_eggs
    calling telephone_receiver battery low_battery minidisc cd dvd trackball abacus lower_left_fountain_pen
    hammer_and_pick hammer_and_wrench bomb boomerang bow_and_arrow shield scales link chains dna petri_dish compression
    crossed_swords dagger_knife memo black_nib
    busstop motorway railway_track oil_drum fuelpump wheel rotating_light traffic_light vertical_traffic_light
    octagonal_sign construction anchor ring_buoy seat satellite station metro bullettrain_front light_rail monorail
    manual_wheelchair motorized_wheelchair oncoming_police_car airplane_departure mountain_railway parachute
    skateboard roller_skate aerial_tramway
    """.split()
)
# Given neither a wrong label nor a copy under another one: a person could argue for either.
ARGUABLE = frozenset(
    """
    monkey_face dog wolf fox_face cat lion_face tiger cow pig mouse hamster rabbit bear polar_bear koala panda_face frog
    dragon_face unicorn_face horse dragon sauropod t-rex
    oyster shrimp crab lobster squid octopus turkey chicken hatching_chick snail worm poultry_leg meat_on_bone
    avocado garlic onion corn potato ginger_root tomato leafy_green green_salad fried_shrimp popcorn sweet_potato beans
    peanuts broccoli pea_pod grapes cherries blueberries carrot eggplant cucumber bell_pepper hot_pepper
    ear_of_rice herb mushroom rosette bouquet christmas_tree bamboo maple_leaf cactus potted_plant
    kite tent stadium bike scooter canoe spoon fork_and_knife hocho teapot baby_bottle honey_pot canned_food
    shallow_pan_of_food fondue bowl_with_spoon mate_drink toolbox ladder hook rocket flying_saucer
    clown_face imp smiling_imp robot_face face_with_cowboy_hat
    church mosque hindu_temple synagogue shinto_shrine wedding
    """.split()
)
# An apple is food too, and a face is a person's: no planted fault puts one in the place of the other.
ALIKE = ({"food", "garden"}, {"face", "person"})
NEVER_MISLABELLED = ("person",)  # nobody is called a tool, not even as an exercise
MIRRORED = ("animal", "vehicle")  # nothing written on them: they may look either way


@dataclass(frozen=True, slots=True)
class Thing:
    """One object: its code point (the stable id and the file's name), its English name, its class, its picture."""

    code: str
    name: str
    label: str
    source: Path


@dataclass(frozen=True, slots=True)
class File:
    """One file of the dataset. ``fault`` is "", "wrong label", "exact duplicate" or "duplicate under another label"."""

    path: str
    thing: Thing
    label: str
    fault: str = ""
    of: str = ""


def main(arguments: Sequence[str] | None = None) -> None:
    """Build, write, and say what was built."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fluent", type=Path)
    parser.add_argument("google", type=Path)
    parser.add_argument("--target", type=Path, default=TARGET)
    parser.add_argument("--sheet", type=Path, help="also write a contact sheet")
    options = parser.parse_args(arguments)

    found = things(options.fluent, options.google)
    pictures = {thing.code: encode(draw(thing)) for thing in found}
    files = plant(found)
    options.target.mkdir(parents=True, exist_ok=True)
    write_zip(options.target / "images.zip", [(file.path, pictures[file.thing.code]) for file in files])
    write_csv(options.target / "contents.csv", ("path", "code_point", "name", "class"),
              [(f.path, f.thing.code, f.thing.name, f.thing.label) for f in files])  # fmt: skip
    write_csv(options.target / "planted.csv", ("path", "fault", "folder", "class", "same_as"),
              [(f.path, f.fault, f.label, f.thing.label, f.of) for f in files if f.fault])  # fmt: skip
    if options.sheet:
        contact_sheet(options.sheet, [pictures[file.thing.code] for file in files])
    size = (options.target / "images.zip").stat().st_size
    print(f"{len(files)} files of {len(found)} objects, {size / 1e6:.2f} MB")
    print(dict(Counter(thing.label for thing in found)))
    print(dict(Counter(file.fault or "as it should be" for file in files)))


def things(fluent: Path, google: Path) -> list[Thing]:
    """All objects of all classes, in Unicode's own order."""
    pictures = {path.stem: path for path in (fluent / "assets").glob("*.webp")}
    whole = {part: label for label, (parts, _) in CLASSES.items() for part in parts.split()}
    single = {name: label for label, (_, names) in CLASSES.items() for name in names.split()}
    found = []
    entries = json.loads((google / "emoji.json").read_text(encoding="utf-8"))
    for entry in sorted(entries, key=lambda entry: entry["sort_order"]):
        name = entry["short_name"]
        label = single.get(name) or whole.get(entry["subcategory"])
        code = next((code for code in _spellings(entry) if code in pictures), None)
        if label and code and name not in LEFT_OUT:
            found.append(Thing(code, name, label, pictures[code]))
    return found


def _spellings(entry: dict[str, str]) -> Iterator[str]:
    yield entry["unified"].lower()
    yield entry["unified"].lower().replace("-fe0f", "")
    if entry.get("non_qualified"):
        yield entry["non_qualified"].lower()


# ---- the planted faults ----


def plant(found: Sequence[Thing]) -> list[File]:
    """The files in folder order: every object once, with wrong labels and copies at places that hashes choose."""
    plain = sorted(
        (thing for thing in found if thing.name not in ARGUABLE and thing.label not in NEVER_MISLABELLED),
        key=lambda thing: _chance("plant", thing),
    )
    wrong, same, other = _deal(plain, (WRONG_LABELS, EXACT_DUPLICATES, DUPLICATES_ELSEWHERE))
    files = []
    for thing in found:
        label = _other_label(thing) if thing in wrong else thing.label
        path = f"{label}/{thing.code}.jpg"
        files.append(File(path, thing, label, "wrong label" if thing in wrong else ""))
        if thing in same:  # the name that a second download gets
            files.append(File(f"{label}/{thing.code} (1).jpg", thing, label, "exact duplicate", path))
        if thing in other:
            elsewhere = _other_label(thing)
            files.append(File(f"{elsewhere}/{thing.code}.jpg", thing, elsewhere, "duplicate under another label", path))
    return sorted(files, key=lambda file: file.path)


def _deal(plain: Sequence[Thing], sizes: Sequence[int]) -> list[set[Thing]]:
    """Disjoint sets of the sizes asked for."""
    hands, start = [], 0
    for size in sizes:
        hands.append(set(plain[start : start + size]))
        start += size
    return hands


def _other_label(thing: Thing) -> str:
    others = [label for label in CLASSES if label != thing.label and {label, thing.label} not in ALIKE]
    return others[_chance("label", thing) % len(others)]


def _chance(purpose: str, thing: Thing) -> int:
    return int.from_bytes(hashlib.sha256(f"{purpose} {thing.code}".encode()).digest()[:8], "big")


# ---- drawing ----

Pixels = npt.NDArray[np.float32]


def draw(thing: Thing) -> Image.Image:
    """The object on a background of its own. Which background says nothing about the class."""
    chance = np.random.default_rng(_chance("draw", thing))
    kind = BACKGROUNDS[int(chance.integers(len(BACKGROUNDS)))]
    background = kind(chance)
    picture = Image.open(thing.source).convert("RGBA")
    picture = picture.crop(picture.getbbox())
    if thing.label in MIRRORED and chance.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    angle = float(np.clip(chance.normal(0, 9), -24, 24))
    picture = picture.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    scale = SIDE * float(chance.uniform(0.66, 0.88)) / max(picture.size)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
    free_x, free_y = SIDE - picture.width, SIDE - picture.height
    x = round(free_x * float(chance.uniform(0.2, 0.8)))
    y = round(free_y * float(chance.uniform(0.3, 0.75)))
    background = _shaded(background, picture, x, y, standing=kind in STANDING)
    background.paste(picture, (x, y), picture)
    return background


def _shaded(background: Image.Image, picture: Image.Image, x: int, y: int, *, standing: bool) -> Image.Image:
    """A soft shadow: on the ground where there is one, behind the object otherwise."""
    mask = Image.new("L", background.size, 0)
    if standing:
        wide, low = picture.width * 0.42, max(6.0, picture.height * 0.07)
        middle, foot = x + picture.width / 2, y + picture.height * 0.97
        ImageDraw.Draw(mask).ellipse((middle - wide, foot - low, middle + wide, foot + low), fill=120)
        mask = mask.filter(ImageFilter.GaussianBlur(7))
    else:
        mask.paste(picture.getchannel("A").point(lambda alpha: alpha * 0.38), (x + 3, y + 9))
        mask = mask.filter(ImageFilter.GaussianBlur(9))
    return Image.composite(Image.new("RGB", background.size, (38, 34, 60)), background, mask)


def _colour(chance: np.random.Generator, hue: float, *, dark: bool = False, step: float = 0.0) -> Pixels:
    """A calm colour of this hue (turns), lighter or darker by ``step``."""
    lightness = (0.30 if dark else 0.86) + step
    saturation = float(chance.uniform(0.30, 0.45) if dark else chance.uniform(0.45, 0.75))
    spread = saturation * min(lightness, 1 - lightness)
    turn = (np.array([0.0, 8.0, 4.0]) + hue * 12) % 12
    rgb = lightness - spread * np.clip(np.minimum(turn - 3, 9 - turn), -1, 1)
    return np.asarray(rgb * 255, dtype=np.float32)


def _mood(chance: np.random.Generator) -> tuple[float, bool]:
    return float(chance.random()), bool(chance.random() < 0.17)


def _plane() -> tuple[Pixels, Pixels]:
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / (SIDE - 1)
    return x, y


def _mix(first: Pixels, second: Pixels, weight: Pixels) -> Pixels:
    weight = np.clip(weight, 0, 1)[..., None]
    return first * (1 - weight) + second * weight


def _image(pixels: Pixels) -> Image.Image:
    return Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8), "RGB")


def _sweep(chance: np.random.Generator) -> tuple[Pixels, float, bool]:
    """A gradient between two neighbouring hues: pixels, hue, dark or not."""
    hue, dark = _mood(chance)
    x, y = _plane()
    angle = float(chance.uniform(0, 2 * np.pi))
    weight = 0.5 + (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle)
    far = hue + float(chance.uniform(-0.14, 0.14))
    return (
        _mix(_colour(chance, hue, dark=dark, step=0.06), _colour(chance, far, dark=dark, step=-0.06), weight),
        hue,
        dark,
    )


def gradient(chance: np.random.Generator) -> Image.Image:
    """Two neighbouring hues, with a glow somewhere."""
    pixels, hue, dark = _sweep(chance)
    x, y = _plane()
    centre_x, centre_y = chance.uniform(0.3, 0.7, 2)
    glow = np.exp(-((x - centre_x) ** 2 + (y - centre_y) ** 2) / 0.12) * 0.6
    return _image(_mix(pixels, _colour(chance, hue, dark=dark, step=0.10), glow.astype(np.float32)))


def dots(chance: np.random.Generator) -> Image.Image:
    """Small dots in a skewed raster."""
    pixels, hue, dark = _sweep(chance)
    x, y = _plane()
    pitch = float(chance.uniform(0.09, 0.16))
    row = np.floor(y / pitch)
    across = (x / pitch + 0.5 * (row % 2)) % 1 - 0.5
    distance = np.hypot(across, (y / pitch) % 1 - 0.5)
    weight = np.clip((0.24 - distance) * 12, 0, 1) * 0.75
    return _image(_mix(pixels, _colour(chance, hue, dark=dark, step=0.09 if dark else 0.11), weight.astype(np.float32)))


def stripes(chance: np.random.Generator) -> Image.Image:
    """Broad stripes, straight or waving."""
    pixels, hue, dark = _sweep(chance)
    x, y = _plane()
    angle, pitch = float(chance.uniform(0, np.pi)), float(chance.uniform(0.12, 0.26))
    bend = float(chance.choice([0.0, 0.03, 0.05]))
    along = x * np.cos(angle) + y * np.sin(angle) + bend * np.sin(10 * (y * np.cos(angle) - x * np.sin(angle)))
    weight = np.clip((np.abs((along / pitch) % 1 - 0.5) - 0.25) * 20 + 0.5, 0, 1) * 0.6
    return _image(_mix(pixels, _colour(chance, hue, dark=dark, step=0.07), weight.astype(np.float32)))


def clouds(chance: np.random.Generator) -> Image.Image:
    """Large soft spots of three hues."""
    pixels, hue, dark = _sweep(chance)
    x, y = _plane()
    for _ in range(5):
        centre_x, centre_y = chance.uniform(0, 1, 2)
        size = float(chance.uniform(0.02, 0.09))
        spot = np.exp(-((x - centre_x) ** 2 + (y - centre_y) ** 2) / size) * 0.8
        far = hue + float(chance.uniform(-0.25, 0.25))
        pixels = _mix(pixels, _colour(chance, far, dark=dark), spot.astype(np.float32))
    return _image(pixels)


def studio(chance: np.random.Generator) -> Image.Image:
    """A wall and a floor."""
    hue, dark = _mood(chance)
    _, y = _plane()
    horizon = float(chance.uniform(0.58, 0.72))
    wall = _mix(_colour(chance, hue, dark=dark, step=0.05), _colour(chance, hue, dark=dark, step=-0.05), y)
    near = hue + float(chance.uniform(-0.3, 0.3))
    floor = _mix(
        _colour(chance, near, dark=dark, step=-0.10), _colour(chance, near, dark=dark, step=0.02), (y - horizon) * 2.5
    )
    return _image(_mix(wall, floor, ((y - horizon) * 60).astype(np.float32)))


def hills(chance: np.random.Generator) -> Image.Image:
    """Sky over rolling hills, at any hour of the day."""
    hue, dark = _mood(chance)
    x, y = _plane()
    pixels = _mix(_colour(chance, hue, dark=dark), _colour(chance, hue + 0.08, dark=dark, step=0.08), y * 1.4)
    sun_x, sun_y = float(chance.uniform(0.1, 0.9)), float(chance.uniform(0.1, 0.35))
    sun = np.clip((0.09 - np.hypot(x - sun_x, y - sun_y)) * 60, 0, 1) * 0.8
    pixels = _mix(pixels, _colour(chance, 0.14, step=0.08), sun.astype(np.float32))
    ground = float(chance.choice([0.30, 0.36, 0.12, 0.55, 0.75]))
    for layer in range(3):
        shift, wave = float(chance.uniform(0, 7)), float(chance.uniform(4, 8))
        edge = 0.52 + 0.13 * layer + 0.045 * np.sin(wave * x + shift)
        step = (0.02 if dark else -0.10) - 0.07 * layer * (0.5 if dark else 1)
        pixels = _mix(pixels, _colour(chance, ground, dark=dark, step=step), ((y - edge) * 90).astype(np.float32))
    return _image(pixels)


BACKGROUNDS: tuple[Callable[[np.random.Generator], Image.Image], ...] = (
    gradient, gradient, dots, stripes, clouds, clouds, studio, studio, hills,
)  # fmt: skip
STANDING = (studio, hills)


# ---- writing ----


def encode(image: Image.Image) -> bytes:
    """JPEG bytes."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return buffer.getvalue()


def write_zip(path: Path, members: Sequence[tuple[str, bytes]]) -> None:
    """A stored zip (JPEG does not shrink) with nothing of this machine or this hour in it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table with unix line ends."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def contact_sheet(path: Path, pictures: Sequence[bytes], columns: int = 20, side: int = 96) -> None:
    """All pictures on one page, to look at."""
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * side, rows * side), "white")
    for place, content in enumerate(pictures):
        small = Image.open(io.BytesIO(content)).resize((side - 4, side - 4), Image.Resampling.LANCZOS)
        sheet.paste(small, (place % columns * side + 2, place // columns * side + 2))
    sheet.save(path)


if __name__ == "__main__":
    main()
