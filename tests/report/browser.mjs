#!/usr/bin/env node
// Looks at reports as a person's browser shows them: wide and narrow, light and dark. Fails where a page asks for anything outside of itself,
// complains, is not accessible (axe: serious or critical), runs over its side, or has texts in drawings that are too small or lie on one another.
//
// usage: browser.mjs SAMPLE_REPORT FOLDER [KIND...]     SAMPLE_REPORT prints a report; pictures and the packages of package-lock.json go to FOLDER
// Exits with 77, and says why, where there is no browser or its packages cannot be had.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const [program, folder, ...kinds] = process.argv.slice(2);
if (folder === undefined) {
    console.error("usage: browser.mjs SAMPLE_REPORT FOLDER [KIND...]");
    process.exit(2);
}

function skip(why) {
    console.log(`SKIPPED: ${why}`);
    process.exit(77);
}

const browserPath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((each) => existsSync(each));
if (browserPath === undefined) {
    skip("no chromium: tools/install-packages --dev installs it");
}
mkdirSync(folder, { recursive: true });
const lock = "package-lock.json";
try {
    cpSync(path.join(here, "package.json"), path.join(folder, "package.json"));
    cpSync(path.join(here, lock), path.join(folder, lock));
    // Silent and quick where they are there already.
    if (!existsSync(path.join(folder, "node_modules", "axe-core", "axe.js"))) {
        execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: folder, stdio: ["ignore", "inherit", "pipe"] });
    }
} catch (error) {
    const said = String(error.stderr ?? error.message);
    if (/ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|E[45]\d\d\b|spawnSync npm ENOENT/.test(said)) {
        skip(`npm cannot get the packages of ${lock}: ${said.split("\n")[0]}`);
    }
    throw error;
}
const require = createRequire(pathToFileURL(path.join(path.resolve(folder), "package.json")));
const { chromium } = require("playwright-core");
const axe = require("axe-core").source;

const failures = [];
let checks = 0;
function check(holds, what) {
    ++checks;
    if (!holds) {
        failures.push(what);
    }
}

/// In the page: texts of drawings that are too small to read, lie on each other, or are cut off.
function badTexts() {
    const bad = [];
    for (const svg of document.querySelectorAll("svg")) {
        const frame = svg.getBoundingClientRect();
        if (frame.width === 0) {
            continue;
        }
        const texts = [...svg.querySelectorAll("text")].map((text) => ({ text: text.textContent, box: text.getBoundingClientRect(),
            size: parseFloat(getComputedStyle(text).fontSize) * svg.getScreenCTM().a }));
        for (const [i, a] of texts.entries()) {
            const where = `"${a.text}" in "${svg.getAttribute("aria-label").slice(0, 60)}"`;
            if (a.size < 9) {
                bad.push(`${where} is ${a.size.toFixed(1)} px high`);
            }
            if (a.box.left < frame.left - 1 || a.box.right > frame.right + 1 || a.box.top < frame.top - 1 || a.box.bottom > frame.bottom + 1) {
                bad.push(`${where} is cut off`);
            }
            for (const b of texts.slice(i + 1)) {
                const across = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
                const down = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
                if (across > 1 && down > 3) {
                    bad.push(`${where} lies on "${b.text}"`);
                }
            }
        }
    }
    return bad;
}

// Every kind wide and light, narrow and dark; the full one in all four ways. What axe has to say of the others it says of these.
const ways = [[1280, "light"], [390, "dark"], [1280, "dark"], [390, "light"]];
const judgedByAxe = ["full", "empty", "short"];

const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
try {
    for (const kind of kinds.length > 0 ? kinds : ["full", "empty", "losses", "short", "hostile", "many"]) {
        const file = path.join(path.resolve(folder), `${kind}.html`);
        writeFileSync(file, execFileSync(program, [kind], { maxBuffer: 1 << 26 }));
        const address = pathToFileURL(file).href;
        for (const [width, colorScheme] of kind === "full" ? ways : ways.slice(0, 2)) {
            const at = `${kind}, ${width} px, ${colorScheme}`;
            const context = await browser.newContext({ viewport: { width, height: width === 390 ? 844 : 900 }, colorScheme });
            const page = await context.newPage();
            page.on("request", (request) => check(request.url() === address, `${at}: asks for ${request.url()}`));
            page.on("console", (message) => check(!["error", "warning"].includes(message.type()), `${at}: ${message.text()}`));
            page.on("pageerror", (error) => check(false, `${at}: ${error.message}`));
            page.on("dialog", (dialog) => {
                check(false, `${at}: a dialog says ${dialog.message()}`);
                dialog.dismiss();
            });
            await page.goto(address);
            const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
            check(over <= 0, `${at}: the page is ${over} px wider than its window`);
            check((await page.evaluate(() => document.scripts.length)) === 0, `${at}: it has a script`);
            for (const bad of await page.evaluate(badTexts)) {
                check(false, `${at}: ${bad}`);
            }
            const background = () => page.evaluate(() => getComputedStyle(document.querySelector(".page")).backgroundColor);
            const own = await background();
            await page.screenshot({ path: path.join(folder, `${kind}-${width}-${colorScheme}.png`), fullPage: true });
            if (judgedByAxe.includes(kind)) {
                await page.evaluate(axe);
                const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
                check(found.passes.length > 10, `${at}: axe looked at nothing`);
                for (const violation of found.violations) {
                    const nodes = violation.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary ?? ""}`).join(" | ");
                    check(!["serious", "critical"].includes(violation.impact), `${at}: ${violation.id}: ${violation.help}: ${nodes}`);
                }
            }
            // By keyboard: the first stop skips to the verdict, the second swaps the colours.
            await page.keyboard.press("Tab");
            check((await page.evaluate(() => document.activeElement.className)) === "skip", `${at}: the first stop is not the skip link`);
            await page.keyboard.press("Tab");
            await page.keyboard.press("Space");
            check((await background()) !== own, `${at}: the colours cannot be swapped`);
            await context.close();
        }
    }
    const context = await browser.newContext({ viewport: { width: 718, height: 1000 } });
    const page = await context.newPage();
    await page.goto(pathToFileURL(path.join(path.resolve(folder), `${kinds[0] ?? "full"}.html`)).href);
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    const paper = await page.evaluate(() => getComputedStyle(document.querySelector(".page")).backgroundColor);
    check(paper === "rgb(255, 255, 255)", `on paper: the background is ${paper}`);
    check(await page.evaluate(() => [...document.querySelectorAll(".scroll")].every((each) => getComputedStyle(each).overflowX === "visible")), "on paper: a box scrolls");
    await page.pdf({ path: path.join(folder, "print.pdf"), format: "A4", printBackground: true });
    await context.close();
} finally {
    await browser.close();
}
for (const failure of failures.slice(0, 60)) {
    console.log(`FAILED ${failure}`);
}
console.log(`${checks - failures.length} passed, ${failures.length} failed`);
process.exit(failures.length === 0 ? 0 : 1);
