// Draws the charts of a page with ECharts, and makes its buttons work. The data are in the element #data: a list of
// charts to choose from for each place (PageChart in C#).
(() => {
    'use strict';

    const places = JSON.parse(document.getElementById('data').textContent);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const root = document.documentElement;
    const themes = {
        light: {
            text: '#1a1d21', quiet: '#4f5863', line: '#d5dbe3', back: '#ffffff', mark: '#6b7280',
            ramp: ['#eef4fd', '#7aa9f2'], cell: '#10141a',
            series: ['#0b57d0', '#c2410c', '#15803d', '#7e22ce', '#b91c1c', '#0e7490', '#8a6100', '#be185d'],
        },
        dark: {
            text: '#e7eaee', quiet: '#a9b2bd', line: '#39414b', back: '#14171b', mark: '#9ca3af',
            ramp: ['#1c2735', '#2a62c4'], cell: '#ffffff',
            series: ['#8ab4f8', '#fdba74', '#86efac', '#d8b4fe', '#fca5a5', '#67e8f9', '#fde047', '#f9a8d4'],
        },
    };
    const symbols = ['circle', 'rect', 'triangle', 'diamond', 'pin', 'roundRect', 'arrow', 'emptyCircle'];
    const narrow = 520, printWidth = 660, barHeight = 22, cellHeight = 28;
    let printing = false;

    const isDark = () => !printing && (root.dataset.theme ? root.dataset.theme === 'dark' : dark.matches);
    const theme = () => themes[isDark() ? 'dark' : 'light'];

    function create(tag, attributes, ...children) {
        const element = document.createElement(tag);
        for (const [name, value] of Object.entries(attributes))
            element.setAttribute(name, value);
        element.append(...children);
        return element;
    }

    function say(text) {
        document.getElementById('said').textContent = text;
    }

    // Numbers as people read them: four digits.
    function format(value) {
        if (typeof value !== 'number')
            return '';
        const size = Math.abs(value);
        return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : String(+value.toPrecision(4));
    }

    const label = (axis, value) => axis.categories ? axis.categories[value] : format(value);

    // Names for a narrow chart: without the parts that all of them have in common, or their ends.
    function shortener(names, width) {
        const parts = names.map(name => name.split('.'));
        if (width >= narrow)
            return undefined;
        if (names.length < 2 || parts.some(one => one.length !== parts[0].length))
            return name => name.length > 17 ? `…${name.slice(-16)}` : name;
        const kept = parts[0].map((part, i) => parts.some(one => one[i] !== part));
        return name => name.split('.').filter((_, i) => kept[i]).join('.');
    }

    // A colour for each series; many series are in an order (blocks, scans), which their hues follow.
    function colour(index, count) {
        const colours = theme().series;
        return count <= colours.length
            ? colours[index]
            : `hsl(${Math.round(220 - 220 * index / (count - 1))}, ${isDark() ? '80%, 72%' : '75%, 38%'})`;
    }

    class Place {
        constructor(element) {
            this.element = element;
            this.charts = places[element.dataset.chart];
            this.hidden = new Set();
            this.at = null;
            this.title = document.getElementById(`c${element.dataset.chart}`).textContent;
            this.figure = element.closest('figure');
            this.reading = create('p', { class: 'reading', role: 'status' });
            this.legend = create('div', { class: 'legend', role: 'group', 'aria-label': `Series of ${this.title}` });
            element.before(this.legend);
            element.after(this.reading);
            element.tabIndex = 0;
            element.setAttribute('role', 'img');
            element.addEventListener('keydown', event => this.key(event));
            element.addEventListener('blur', () => this.leave());
            this.show(0);
            new ResizeObserver(() => this.resize()).observe(element);
            const pick = this.figure.querySelector('select');
            pick?.addEventListener('change', () => this.show(+pick.value));
        }

        show(index) {
            this.chart = this.charts[index];
            this.hidden.clear();
            const picked = this.charts.length > 1 ? `, ${this.chart.title}` : '';
            this.element.setAttribute(
                'aria-label',
                `Chart: ${this.title}${picked}. ${this.chart.x.name} and ${this.chart.y.name}. `
                + 'Arrow keys read its values; the table below has all of them.');
            if (this.charts.length > 1) {
                fillTable(this.figure.querySelector('table'), this.chart);
                this.figure.querySelector('figcaption p').textContent = this.chart.note ?? '';
            }
            this.draw();
        }

        get isBars() {
            return this.chart.kind === 'bar' && this.chart.x.categories;
        }

        draw(width = this.element.clientWidth) {
            this.width = width;
            const rows = this.isBars ? this.chart.x.categories.length
                : this.chart.kind === 'heatmap' ? this.chart.y.categories.length : 0;
            const sideBySide = this.isBars && !this.isStacked() && !this.isLog(this.chart.y, 'y');
            const perRow = sideBySide ? this.chart.series.length : 1;
            const height = rows > 0
                ? 110 + rows * (this.isBars ? Math.max(barHeight, 13 * perRow) : cellHeight)
                : width < narrow ? 300 : 380;
            this.element.style.height = `${height}px`;
            this.plot ??= echarts.init(this.element, null, { renderer: 'svg', width, height });
            this.plot.resize({ width, height, animation: { duration: 0 } });
            this.plot.setOption(this.option(width), { notMerge: true });
            this.drawLegend();
            this.element.querySelector('svg')?.setAttribute('aria-hidden', 'true');
        }

        resize() {
            if (!printing && this.element.clientWidth !== this.width && this.element.clientWidth > 0)
                this.draw();
        }

        // Whether an axis is logarithmic: it should be, and its values differ enough to be read so.
        isLog(axis, name) {
            if (!axis.log)
                return false;
            const values = this.chart.series.flatMap(series => series.points.map(point => point[name]))
                .filter(value => value > 0).sort((a, b) => a - b);
            return values.at(-1) > 20 * values[0];
        }

        // Whether no category is in two series: bars of one place each, in the series' colours.
        isStacked() {
            const places = this.chart.series.flatMap(series => series.points.map(point => point.x));
            return new Set(places).size === places.length;
        }

        option(width) {
            const colours = theme(), chart = this.chart, count = chart.series.length;
            const common = {
                animation: false,
                backgroundColor: 'transparent',
                textStyle: { color: colours.text, fontFamily: 'system-ui, sans-serif' },
                color: chart.series.map((_, i) => colour(i, count)),
                legend: { show: false, selected: this.selected() },
                tooltip: {
                    renderMode: 'richText',
                    confine: true,
                    backgroundColor: colours.back,
                    borderColor: colours.line,
                    textStyle: { color: colours.text, fontSize: 13 },
                    formatter: item => this.describe(item.seriesIndex, item.dataIndex).replace(/[{}|]/g, ' '),
                },
                grid: {
                    left: 12, top: 34, bottom: 34, containLabel: true,
                    right: width < narrow ? 14 : chart.kind === 'scatter' ? 130 : 28,
                },
            };
            const x = this.axis(chart.x, 'x', width), y = this.axis(chart.y, 'y', width);
            if (chart.kind === 'heatmap')
                return { ...common, ...this.heatmap(x, y, width) };
            const bars = this.isBars;
            // Names of bars are long, so they stand beside bars that lie.
            const axes = !bars ? { xAxis: x, yAxis: y } : {
                xAxis: { ...y, nameGap: 26, nameLocation: 'middle' },
                yAxis: {
                    ...x, inverse: true, name: '', axisLabel: {
                        ...x.axisLabel, interval: 0, formatter: shortener(chart.x.categories, width),
                        width: Math.min(260, Math.round(width * 0.38)), overflow: 'truncate',
                    },
                },
            };
            return { ...common, ...axes, series: chart.series.map((series, i) => this.series(series, i, width)) };
        }

        axis(axis, member, width) {
            const colours = theme(), isX = member === 'x', log = this.isLog(axis, member);
            const isWhole = this.chart.kind === 'line'
                && this.chart.series.every(series => series.points.every(point => Number.isInteger(point[member])));
            return {
                type: axis.categories ? 'category' : log ? 'log' : 'value',
                ...(isWhole ? { minInterval: 1 } : {}),
                ...(this.chart.kind === 'scatter' ? { boundaryGap: ['6%', '6%'] } : {}),
                ...(this.chart.kind === 'line' && isX ? { min: 'dataMin', max: 'dataMax' } : {}),
                minorTick: { show: log },
                data: axis.categories,
                name: axis.name,
                nameLocation: isX ? 'middle' : 'end',
                nameGap: isX ? 28 : 12,
                nameTextStyle: { color: colours.quiet, align: isX ? 'center' : 'left' },
                scale: this.chart.kind !== 'bar',
                splitNumber: width < narrow ? 4 : 6,
                axisLine: { show: true, onZero: false, lineStyle: { color: colours.quiet } },
                axisLabel: {
                    color: colours.quiet, hideOverlap: true, formatter: axis.categories ? undefined : format,
                },
                splitLine: { show: !axis.categories, lineStyle: { color: colours.line } },
            };
        }

        series(series, index, width) {
            const chart = this.chart, colours = theme(), bars = this.isBars;
            const log = { x: this.isLog(chart.x, 'x'), y: this.isLog(chart.y, 'y') };
            const value = (point, name) =>
                typeof point[name] === 'number' && !(log[name] && point[name] <= 0) ? point[name] : '-';
            const result = {
                name: series.name,
                type: 'line',
                data: series.points.map(point => {
                    const pair = [value(point, 'x'), value(point, 'y')];
                    return bars ? pair.reverse() : pair;
                }),
                symbol: symbols[index % symbols.length],
                emphasis: { focus: chart.series.length > 1 ? 'series' : 'none' },
            };
            if (chart.kind === 'scatter') {
                return {
                    ...result, type: 'scatter', symbolSize: 13,
                    label: {
                        show: width >= narrow, position: 'right', color: colours.text,
                        textBorderColor: colours.back, textBorderWidth: 3,
                        formatter: item => series.points[item.dataIndex].name ?? '', width: 200, overflow: 'truncate',
                    },
                    labelLayout: { hideOverlap: true },
                };
            }
            // A bar on a logarithmic axis has no honest start, so there is a point at its end instead.
            if (bars && log.y)
                return { ...result, type: 'scatter', symbolSize: 11 };
            if (bars)
                return { ...result, type: 'bar', stack: this.isStacked() ? 'all' : undefined, barMaxWidth: 18 };
            if (chart.kind === 'histogram') {
                Object.assign(result, {
                    step: 'middle', symbol: 'none', triggerLineEvent: true, lineStyle: { width: 1.5 },
                    areaStyle: { opacity: 0.25, origin: 'start' },
                });
            } else {
                Object.assign(result, {
                    symbolSize: 7, showSymbol: series.points.length <= 40, lineStyle: { width: 2 },
                    triggerLineEvent: true,
                });
            }
            if (index === 0 && chart.marks?.length > 0) {
                result.markLine = {
                    silent: true, symbol: 'none', label: { show: false }, animation: false,
                    lineStyle: { color: colours.mark, type: [4, 3], width: 1 },
                    data: chart.marks.map(mark => ({ xAxis: mark })),
                };
            }
            return result;
        }

        heatmap(x, y, width) {
            const colours = theme(), points = this.chart.series[0].points;
            const cells = points.filter(point => point.value > 0);
            const logs = cells.length > 0 ? cells.map(point => Math.log10(point.value)) : [0];
            const low = Math.min(...logs), high = Math.max(...logs);
            const columns = this.chart.x.categories.length;
            const long = Math.max(...this.chart.x.categories.map(name => name.length)) > 3;
            const digits = Math.max(...points.map(point => format(point.value).length));
            const shown = (width - 100) / columns > 8 * digits + 8;
            return {
                grid: { left: 12, right: 14, top: 34, bottom: long ? 12 : 40, containLabel: true },
                xAxis: {
                    ...x, name: long ? '' : x.name, splitLine: { show: false }, axisLine: { show: false },
                    axisLabel: {
                        ...x.axisLabel, rotate: long ? 45 : 0, interval: long ? 0 : 'auto', hideOverlap: false,
                        width: 100, overflow: 'truncate',
                    },
                },
                yAxis: {
                    ...y, inverse: true, nameLocation: 'start', splitLine: { show: false }, axisLine: { show: false },
                    axisLabel: { ...y.axisLabel, interval: 0, hideOverlap: false, width: 110, overflow: 'truncate' },
                },
                visualMap: {
                    show: false, dimension: 2, min: low, max: high > low ? high : low + 1,
                    inRange: { color: colours.ramp },
                },
                series: [{
                    type: 'heatmap',
                    name: this.chart.series[0].name,
                    data: points.map(point => [point.x, point.y, point.value > 0 ? Math.log10(point.value) : '-']),
                    label: {
                        show: shown, color: colours.cell, fontSize: 12,
                        formatter: item => format(points[item.dataIndex].value),
                    },
                    itemStyle: { borderColor: colours.back, borderWidth: 1 },
                    emphasis: { itemStyle: { borderColor: colours.text, borderWidth: 2 } },
                }],
            };
        }

        selected() {
            return Object.fromEntries(this.chart.series.map(series => [series.name, !this.hidden.has(series.name)]));
        }

        // What a point says, in the tooltip and for screen readers.
        describe(seriesIndex, dataIndex) {
            const chart = this.chart, series = chart.series[seriesIndex], point = series?.points[dataIndex];
            if (!point)
                return '';
            if (chart.kind === 'heatmap')
                return `${chart.y.name} ${label(chart.y, point.y)}, ${chart.x.name} ${label(chart.x, point.x)}: `
                    + format(point.value);
            const name = point.name ?? (chart.series.length > 1 ? series.name : '');
            const at = `${chart.x.categories ? '' : `${chart.x.name}: `}${label(chart.x, point.x)}`;
            return `${name ? `${name}\n` : ''}${at}\n${chart.y.name}: ${label(chart.y, point.y)}`;
        }

        key(event) {
            const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
            if (event.key === 'Escape')
                this.leave();
            if (!step)
                return;
            event.preventDefault();
            const shown = this.chart.series.map((_, i) => i).filter(i => !this.hidden.has(this.chart.series[i].name));
            if (shown.length === 0)
                return;
            let { series, point } = this.at ?? { series: shown[0], point: -step[1] };
            if (this.at && step[0] !== 0)
                series = shown[(shown.indexOf(series) + step[0] + shown.length) % shown.length];
            const count = this.chart.series[series].points.length;
            point = (Math.min(point, count - 1) + step[1] + count) % count;
            this.at = { series, point };
            this.plot.dispatchAction({ type: 'downplay' });
            this.plot.dispatchAction({ type: 'highlight', seriesIndex: series, dataIndex: point });
            this.plot.dispatchAction({ type: 'showTip', seriesIndex: series, dataIndex: point });
            this.reading.textContent = this.describe(series, point).replaceAll('\n', ', ');
        }

        leave() {
            this.at = null;
            this.reading.textContent = '';
            this.plot.dispatchAction({ type: 'downplay' });
            this.plot.dispatchAction({ type: 'hideTip' });
        }

        drawLegend() {
            const series = this.chart.series;
            this.legend.replaceChildren();
            // Points beside their names need no other ones.
            const named = this.chart.kind === 'scatter' && this.width >= narrow;
            this.legend.hidden = series.length < 2 || (named && series.every(one => one.points.length === 1));
            if (this.legend.hidden)
                return;
            series.forEach((one, i) => {
                const button = create('button', {
                    type: 'button', 'aria-pressed': String(!this.hidden.has(one.name)),
                });
                button.append(swatch(colour(i, series.length)), one.name);
                button.addEventListener('click', () => this.toggle(one.name, button));
                this.legend.append(button);
            });
        }

        toggle(name, button) {
            const hides = !this.hidden.has(name);
            if (hides)
                this.hidden.add(name);
            else
                this.hidden.delete(name);
            button.setAttribute('aria-pressed', String(!hides));
            this.plot.dispatchAction({ type: hides ? 'legendUnSelect' : 'legendSelect', name });
        }
    }

    function swatch(colour) {
        const space = 'http://www.w3.org/2000/svg';
        const svg = document.createElementNS(space, 'svg'), box = document.createElementNS(space, 'rect');
        for (const [name, value] of Object.entries({ width: 12, height: 12, 'aria-hidden': 'true' }))
            svg.setAttribute(name, value);
        for (const [name, value] of Object.entries({ width: 12, height: 12, rx: 3, fill: colour }))
            box.setAttribute(name, value);
        svg.append(box);
        return svg;
    }

    // Fills the table of a chart that was picked.
    function fillTable(table, chart) {
        const columns = [...new Set(chart.series.flatMap(series => series.points.map(point => point.x)))];
        const head = create('tr', {}, ...[chart.x.name, ...chart.series.map(series => series.name)].map(
            name => create('th', { scope: 'col', class: 'n' }, name)));
        const rows = columns.map(x => create(
            'tr', {}, create('th', { scope: 'row', class: 'n' }, label(chart.x, x)),
            ...chart.series.map(series => create(
                'td', { class: 'n' }, format(series.points.find(point => point.x === x)?.y)))));
        table.tHead.replaceChildren(head);
        table.tBodies[0].replaceChildren(...rows);
    }

    // RFC 4180. A text that a spreadsheet would take for a formula begins with an apostrophe.
    function csv(table) {
        const field = text => {
            const safe = /^[=+\-@\t]/.test(text) && !Number.isFinite(+text) ? `'${text}` : text;
            return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
        };
        const line = row => `${[...row.cells].map(cell => field(cell.textContent)).join(',')}\r\n`;
        return [...table.rows].map(line).join('');
    }

    async function copy(text) {
        try {
            await navigator.clipboard.writeText(text);
        } catch {
            // Browsers refuse the clipboard in some places; then it goes through a selection.
            const area = create('textarea', { class: 'unseen' });
            area.value = text;
            document.body.append(area);
            area.select();
            document.execCommand('copy');
            area.remove();
        }
    }

    for (const button of document.querySelectorAll('button.copy')) {
        button.hidden = false;
        button.addEventListener('click', async () => {
            await copy(csv(button.closest('details').querySelector('table')));
            button.textContent = 'Copied';
            say('The table is copied.');
            setTimeout(() => { button.textContent = 'Copy as CSV'; }, 2000);
        });
    }

    const drawn = [...document.querySelectorAll('.plot')].map(element => new Place(element));
    const redraw = () => drawn.forEach(place => place.draw());

    const button = document.getElementById('theme');
    const nameTheme = () => { button.textContent = isDark() ? 'Light colors' : 'Dark colors'; };
    button.hidden = false;
    nameTheme();
    button.addEventListener('click', () => {
        root.dataset.theme = isDark() ? 'light' : 'dark';
        nameTheme();
        redraw();
    });
    dark.addEventListener('change', () => {
        nameTheme();
        redraw();
    });

    const closed = [];
    addEventListener('beforeprint', () => {
        printing = true;
        drawn.forEach(place => place.draw(printWidth));
        for (const details of document.querySelectorAll('details.numbers:not(.behind):not([open])')) {
            details.open = true;
            closed.push(details);
        }
    });
    addEventListener('afterprint', () => {
        printing = false;
        closed.splice(0).forEach(details => { details.open = false; });
        redraw();
    });
})();
