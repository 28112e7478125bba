#!/usr/bin/env python3
"""Reads the pages of `thumbnet report` and `thumbnet chapter3` as people do: in a browser, without a
network, by keyboard.

    pip install -r tests/requirements.txt
    python tests/pages.py target/release/thumbnet [folder for screenshots]

Needs Chromium or Chrome. Runs are trained on the embedded digits, which takes seconds. Each page is
looked at in a light and a dark window, on a telephone, and in print.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

try:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright
except ImportError as error:
    sys.exit(f"{error.name} is missing: type `pip install -r tests/requirements.txt`")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WINDOWS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1200, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1200, "height": 900}},
    "telephone": {
        "color_scheme": "light",
        "viewport": {"width": 360, "height": 740},
        "device_scale_factor": 2,
        "has_touch": True,
        "is_mobile": True,
    },
}
# What can be reached by keyboard; of the radio buttons of a group, one.
REACHABLE = "a[href], input:checked, summary, [tabindex='0']"

# The element that has the focus: its place in the document, its name, whether it is marked as such.
FOCUSED = """() => {
    const it = document.activeElement, style = getComputedStyle(it), box = it.getBoundingClientRect();
    return {
        place: [...document.querySelectorAll('*')].indexOf(it),
        body: it === document.body,
        name: it.ariaLabel || it.labels?.[0]?.textContent.trim() || it.textContent.trim(),
        marked: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        seen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    };
}"""

# Contrast, as the Web Content Accessibility Guidelines 2.1 define it, of what is drawn in diagrams to
# the ground of the page: letters, and lines but for those of the grid.
CONTRAST = """() => {
    const channels = color => color.match(/[0-9.]+/g).slice(0, 3).map(value => {
        const share = value / 255;
        return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    const light = color => {
        const [red, green, blue] = channels(color);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
    };
    const ground = light(getComputedStyle(document.body).backgroundColor);
    const contrast = color => Math.max(ground / light(color), light(color) / ground);
    const lowest = (selector, property) => Math.min(...[...document.querySelectorAll(selector)]
        .map(element => contrast(getComputedStyle(element)[property])));
    return {
        letters: lowest('.drawing text', 'fill'),
        lines: lowest('.drawing polyline[stroke]:not([stroke="#DEDEDE"])', 'stroke'),
        markers: lowest('.drawing polygon[opacity="1"]', 'fill'),
    };
}"""


def browser():
    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    sys.exit("Chromium is missing: as root, type `apt-get install chromium`")


def make_pages(thumbnet, folder):
    """Pages about one run, about several, about one that has only begun, and about one on points; and
    about claims of the chapter."""
    evil = 'run <script>alert(1)&"co"'
    train = [thumbnet, "train", "--data", "digits", "--recipe", "book-30"]
    for name, flags in {
        "one": ["--epochs", "20"],
        evil: ["--epochs", "60", "--l2", "0.5"],
        "three": ["--epochs", "35", "--momentum", "0.5", "--learning-rate", "0.1"],
    }.items():
        subprocess.run(train + flags + ["--out", name], cwd=folder, check=True, capture_output=True)
    (folder / "begun").mkdir()
    record = (folder / "one/run.toml").read_text()
    (folder / "begun/run.toml").write_text(record.split("[result]")[0])

    xor = [thumbnet, "train", "--recipe", "xor", "--out", "points"]
    subprocess.run(xor, cwd=folder, check=True, capture_output=True)
    claims = [thumbnet, "chapter3", "--data", "digits", "--quick", "--seeds", "2", "--out", "claims",
              "--only", "neuron", "initialization"]
    subprocess.run(claims, cwd=folder, check=True, capture_output=True)

    def report(*runs, out):
        subprocess.run([thumbnet, "report", *runs, "--out", out], cwd=folder, check=True,
                       capture_output=True)
        return folder / out

    return {
        "one": report("one", out="one.html"),
        "several": report("one", evil, "three", out="several.html"),
        "begun": report("begun", "one", out="begun.html"),
        "points": report("points", out="points.html"),
        "claims": folder / "claims/chapter3.html",
    }


class Reader:
    """A window with a page in it, and all that happens in it."""

    def __init__(self, chromium, window, path):
        self.context = chromium.new_context(offline=True, **window)
        self.page = self.context.new_page()
        self.told, self.requests = [], []
        self.page.on("console", lambda message: self.told.append(message.text))
        self.page.on("pageerror", lambda error: self.told.append(str(error)))
        self.page.on("requestfailed", lambda request: self.told.append(f"failed: {request.url[:99]}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.address = path.as_uri()
        self.page.goto(self.address)

    def end(self):
        outgoing = [url[:99] for url in self.requests if not url.startswith("data:")]
        assert outgoing == [self.address], outgoing
        assert not self.told, self.told
        self.context.close()

    def fits(self):
        """Nothing is wider than the window but what scrolls by itself; all images are shown."""
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        # `innerWidth` would do for computers; a telephone's grows with what does not fit.
        window = self.page.viewport_size["width"]
        assert wide <= window == self.page.evaluate("innerWidth"), f"{wide} pixels in {window}"
        missing = self.page.evaluate(
            "[...document.images].filter(image => !image.naturalWidth).map(image => image.alt)")
        assert not missing, missing

    def accessible(self):
        """What axe-core finds: names, roles, headings, contrast of text, and more."""
        found = Axe().run(self.page).response["violations"]
        told = [(each["id"], each["nodes"][0]["html"][:200]) for each in found]
        assert not told, told

    def drawings_stand_out(self):
        contrast = self.page.evaluate(CONTRAST)
        for name, least in (("letters", 4.5), ("lines", 3), ("markers", 3)):
            # Infinite without any.
            assert contrast[name] is None or contrast[name] >= least, contrast
        return contrast

    def tabs(self):
        """Goes through the page by the tab key: everything once, in order, named and marked."""
        expected = self.page.evaluate(
            "all => [...document.querySelectorAll(all)].filter(element => element.checkVisibility())"
            ".map(element => [...document.querySelectorAll('*')].indexOf(element))", REACHABLE)
        found = []
        for _ in range(len(expected) + 2):
            self.page.keyboard.press("Tab")
            focused = self.page.evaluate(FOCUSED)
            if focused["body"]:
                break
            assert focused["name"] and focused["marked"] and focused["seen"], focused
            found.append(focused["place"])
        assert found == expected, (found, expected)
        return len(found)

    def skips(self):
        """The first thing reached leads past all that is above the content."""
        self.page.keyboard.press("Tab")
        assert self.page.evaluate("document.activeElement.className") == "skip"
        self.page.keyboard.press("Enter")
        assert self.page.evaluate("document.activeElement.id") == "content"
        self.page.keyboard.press("Tab")
        assert self.page.evaluate("document.querySelector('main').contains(document.activeElement)")

    def ground(self):
        return self.page.evaluate("getComputedStyle(document.body).backgroundColor")

    def changes_colours(self, other):
        """By arrow keys: system, light, dark."""
        system = self.ground()
        self.page.locator("input:checked").focus()
        self.page.keyboard.press("ArrowRight")
        self.page.keyboard.press("ArrowRight")
        assert self.page.evaluate("document.activeElement.id") == "theme-dark"
        dark = self.ground()
        self.page.keyboard.press("ArrowLeft")
        light = self.ground()
        assert dark != light and system in (dark, light)
        assert {"dark": dark, "light": light}[other] == system
        self.page.keyboard.press("ArrowLeft")

    def unfolds(self):
        """What is folded opens by keyboard, and fits."""
        for summary in self.page.locator("summary").all():
            summary.focus()
            self.page.keyboard.press("Enter")
        assert self.page.locator("details:not([open])").count() == 0
        self.fits()

    def prints(self):
        """On paper everything is unfolded, nothing is dark, and what only works on screens is away."""
        self.page.emulate_media(media="print")
        for absent in (".theme", ".skip", "nav"):
            assert not self.page.locator(absent).is_visible(), absent
        for table in self.page.locator("table").all():
            assert table.is_visible()
        assert self.ground() == "rgb(255, 255, 255)"
        assert self.page.pdf().startswith(b"%PDF")


def look(chromium, name, path, window, screenshots):
    reader = Reader(chromium, WINDOWS[window], path)
    reader.fits()
    reader.accessible()
    contrast = reader.drawings_stand_out()
    if screenshots:
        reader.page.screenshot(path=screenshots / f"{name}-{window}.png", full_page=True)
    reached = reader.tabs()
    reader.changes_colours("dark" if window == "dark" else "light")
    reader.unfolds()
    reader.accessible()
    reader.end()
    reader = Reader(chromium, WINDOWS[window], path)
    reader.skips()
    reader.prints()
    reader.end()
    print(f"{name}, {window}: {reached} things reached by tab; lowest contrast {contrast}")


def main():
    thumbnet = os.path.abspath(sys.argv[1])
    screenshots = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    if screenshots:
        screenshots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        pages = make_pages(thumbnet, pathlib.Path(folder))
        # Containers have no user that Chromium's sandbox could change to.
        chromium = playwright.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        for name, path in pages.items():
            for window in WINDOWS:
                look(chromium, name, path, window, screenshots)
        chromium.close()
    print(f"measured: {len(pages)} pages in {len(WINDOWS)} windows each: all is well")


if __name__ == "__main__":
    main()
