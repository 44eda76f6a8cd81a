// A recording as a sequence diagram: a column a program, a row an event, time goes down.
#include <algorithm>
#include <cstdio>
#include <set>

#include "recording.hpp"

namespace {

struct Row {
    std::string kind;  // line, error, signal, connection, protocol or message
    double ms = 0;
    std::optional<double> arrived;
    size_t from = 0, to = 0;         // columns
    std::vector<std::string> texts;  // one, or the frames of a message

    bool is_arrow() const { return kind == "protocol" || kind == "message" || is_connection(); }
    bool is_connection() const { return kind == "connection"; }
    bool is_lost() const { return is_arrow() && !arrived; }
    size_t low() const { return std::min(from, to); }
    size_t high() const { return std::max(from, to); }
    size_t width() const {  // of the texts, in characters
        size_t width = 0;
        for (const auto& text : texts) width += text.size() + (kind == "message" ? 2 : 0);
        return width;
    }
};

bool is_handshake(const Event& event) {
    static const std::set<std::string> names = {"READY", "HELLO", "WELCOME", "INITIATE"};
    return event.kind == "greeting" || (event.kind == "command" && names.contains(event.name));
}

std::string label(const Event& event) {
    if (event.kind == "bytes")
        return std::to_string(event.size) + " bytes, " +
               (event.text.empty() ? "not ZMTP 3" : event.text);
    if (event.kind == "command") return event.name + (event.text.empty() ? "" : " " + event.text);
    return "greeting: ZMTP " + event.version +
           (event.mechanism.empty() ? "" : ", " + event.mechanism);
}

/// One line for a whole handshake: connection 5555: ZMTP 3.1, NULL, REQ to REP.
std::string folded(const Recording& recording, size_t connection) {
    const auto& [from, to, endpoint] = recording.connections[connection];
    std::string text = "connection " + endpoint.substr(endpoint.find_last_of(":/") + 1), types[2];
    for (const auto& event : recording.events) {
        if (!event.who.empty() || event.connection != connection) continue;
        if (event.kind == "greeting" && event.sender == from) text += label(event).substr(8);
        if (const std::string key = "Socket-Type "; event.text.rfind(key, 0) == 0)
            types[event.sender == from ? 0 : 1] =
                event.text.substr(key.size(), event.text.find(',') - key.size());
    }
    if (!types[0].empty() && !types[1].empty()) text += ", " + types[0] + " to " + types[1];
    return text + (is_ready(recording, connection) ? "" : ", handshake not completed");
}

/// A handshake that is folded stands where its last part was sent.
std::vector<Row> rows_of(const Recording& recording, bool handshake) {
    const auto column = [&](const std::string& name) {
        size_t i = 0;
        while (i + 1 < recording.programs.size() && recording.programs[i].name != name) ++i;
        return i;
    };
    std::vector<Row> rows;
    std::vector<size_t> left(recording.connections.size());  // parts of each handshake
    for (const Event& event : recording.events)
        if (event.who.empty() && is_handshake(event)) ++left[event.connection];
    for (const Event& event : recording.events) {
        Row row{
            "protocol",    event.ms, event.arrived, column(event.sender), column(event.receiver),
            {label(event)}};
        if (!event.who.empty()) {
            row.kind = event.stream == "err" ? "error" : event.kind;
            row.from = row.to = column(event.who);
            row.texts = {event.text};
        } else if (event.kind == "message") {
            row.kind = event.kind;
            row.texts = event.frames;
        } else if (!handshake && is_handshake(event)) {
            if (--left[event.connection] > 0) continue;
            const Connection& connection = recording.connections[event.connection];
            row = {"connection",          event.ms,
                   event.arrived,         column(connection.from),
                   column(connection.to), {folded(recording, event.connection)}};
        }
        rows.push_back(row);
    }
    return rows;
}

/// Where everything stands, in characters. A row shares its height with no other, so its texts may
/// cross the lines of other columns, but nothing else.
struct Layout {
    static constexpr size_t gutter = 3;  // beside each column
    std::vector<size_t> x;               // of the columns
    size_t width = 8;

    Layout(const Recording& recording, const std::vector<Row>& rows) {
        const size_t n = recording.programs.size();
        std::vector<size_t> gaps(n, 14);  // behind each column; the last one is the right edge
        for (const Row& row : rows) {
            // Where there are many columns, these cross the next one: no other arrow is near as
            // yet.
            const bool is_early =
                row.is_connection() || row.texts[0].rfind("listening on ", 0) == 0;
            const size_t i = row.from > row.to ? row.from - 1 : row.from;
            const size_t most = n <= 2 ? 60 : n == 3 ? 48 : is_early ? 26 : 40;
            gaps[i] = std::max(gaps[i], std::min(most, row.width() + 2 * gutter));
        }
        for (const size_t gap : gaps) {
            x.push_back(width);
            width += gap;
        }
        for (const Row& row : rows)
            if (row.is_arrow()) width = std::max(width, begin(row) + row.width() + 1);
    }
    /// Where the texts of a row begin: between two columns if they fit, the sender's first; or else
    /// on the whole arrow, or beside it.
    size_t begin(const Row& row) const {
        const size_t size = row.width(), right = x[row.high()] + gutter;
        for (size_t i = 0; i < row.high() - row.low(); ++i) {
            const size_t gap = row.from < row.to ? row.low() + i : row.high() - 1 - i;
            if (x[gap + 1] - x[gap] >= size + 4) return (x[gap] + x[gap + 1] - size) / 2;
        }
        if (const size_t span = x[row.high()] - x[row.low()]; span >= size + 4)
            return x[row.low()] + (span - size) / 2;
        if (right + size < width) return right;
        if (row.is_arrow())
            return x[row.low()] > size + gutter ? x[row.low()] - gutter - size : right;
        return width > size ? width - size : 0;
    }
};

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", value);
    return text;
}

const std::string times_note = "Tracing stretches the times.";

}  // namespace

std::string draw_text(const Recording& recording, bool handshake, bool colour) {
    const std::vector<Row> rows = rows_of(recording, handshake);
    const Layout layout(recording, rows);
    std::string lines(layout.width + 1, ' '), names = lines, text;
    for (size_t i = 0; i < recording.programs.size(); ++i) {
        const auto& [name, command] = recording.programs[i];
        lines[layout.x[i]] = '|';
        names.replace(layout.x[i] - std::min(layout.x[i], name.size() / 2), name.size(), name);
        text += name + ": " + command + "\n";
    }
    const auto add = [&](const std::string& sent, const std::string& arrived,
                         const std::string& line) {
        text += std::string(8 - std::min<size_t>(8, sent.size()), ' ') + sent +
                std::string(9 - std::min<size_t>(9, arrived.size()), ' ') + arrived + " " +
                line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    };
    text += "\n";
    add("sent", "arrived", names);
    add("ms", "ms", lines);
    for (const Row& row : rows) {
        std::string line = lines, shown;
        for (const auto& one : row.texts) shown += row.kind == "message" ? "[" + one + "]" : one;
        if (row.kind == "error") shown = "stderr: " + shown;
        if (row.kind == "signal") shown = "<" + shown + ">";
        if (const size_t low = layout.x[row.low()] + 1, high = layout.x[row.high()]; low < high) {
            if (row.kind != "message") shown = " " + shown + " ";
            line.replace(low, high - low, high - low, row.is_connection() ? '=' : '-');
            char& tip = line[row.from < row.to ? high - 1 : low];
            if (!row.is_connection()) tip = row.is_lost() ? 'x' : row.from < row.to ? '>' : '<';
        }
        const size_t begin = layout.begin(row);
        line.resize(std::max(line.size(), begin + shown.size()), ' ');
        line.replace(begin, shown.size(), shown);
        if (colour && (row.is_lost() || row.kind == "error")) line = "\033[31m" + line + "\033[0m";
        const bool timed = row.is_arrow() && !row.is_connection();
        add(number(row.ms), row.is_lost() ? "never" : timed ? number(*row.arrived) : "", line);
    }
    return text + "\n" + times_note + (recording.note.empty() ? "" : "\n" + recording.note) + "\n";
}

// SVG

namespace {

constexpr double character = 6.7, row_height = 26, top = 64;

const char* const style = R"(<style>
text{font:12px Helvetica,Arial,sans-serif;fill:#202830} .mono{font:11px monospace}
.small{font-size:11px;fill:#5b6b7f} .back{fill:#fff} .life{stroke:#5b6b7f;stroke-dasharray:3 3}
.box{fill:#e8eff7;stroke:#5b6b7f} .frame{fill:#fffbe6;stroke:#8a6d00} .line{fill:#f4f4f4;stroke:#c9ced4}
.error{fill:#fdeeee;stroke:#b00020} .signal{fill:#1f4e79;stroke:#1f4e79} .signal+text{fill:#fff}
.message,.protocol,.connection{fill:none;stroke:#34465a;stroke-width:1.4} .tip{fill:#34465a}
.protocol,.connection{stroke:#8b98a8} .connection{stroke-width:3} .lost{stroke:#b00020}
@media(prefers-color-scheme:dark){
text{fill:#e6e9ed} .small{fill:#9fb0c3} .back{fill:#14181d} .life{stroke:#7f93a8}
.box{fill:#22303f;stroke:#7f93a8} .frame{fill:#3a3415;stroke:#c9a83a} .line{fill:#20252b;stroke:#4a545f}
.error{fill:#3a1a1e;stroke:#ff7b88} .signal{fill:#7db4e6;stroke:#7db4e6} .signal+text{fill:#14181d}
.message{stroke:#a9bcd1} .tip{fill:#a9bcd1} .protocol,.connection{stroke:#6d7f92} .lost{stroke:#ff7b88}}
</style>
)";

/// What stands for a % in svg(): a number, or a text that is escaped.
struct Part {
    std::string text;
    Part(double value) : text(number(value)) {}
    Part(const std::string& value) {
        for (const char c : value)
            text += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
    }
};
std::string svg(const std::string& pattern, std::vector<Part> parts) {
    std::string text;
    auto part = parts.begin();
    for (const char c : pattern) text += c == '%' ? (part++)->text : std::string(1, c);
    return text;
}
std::string text_at(double x, double y, const std::string& text, const std::string& attributes) {
    return svg("<text x='%' y='%' ", {x, y + 4}) + attributes + svg(">%</text>\n", {text});
}
std::string box_at(double x, double y, double width, const std::string& kind,
                   const std::string& text) {
    return svg("<rect class='%' x='%' y='%' width='%' height='18' rx='2'/>",
               {kind, x, y - 9, width}) +
           text_at(x + width / 2, y, text, "class='mono' text-anchor='middle'");
}

}  // namespace

std::string draw_svg(const Recording& recording, bool handshake) {
    const std::vector<Row> rows = rows_of(recording, handshake);
    const Layout layout(recording, rows);
    const auto pixels = [](size_t characters) {
        return static_cast<double>(characters) * character;
    };
    const auto y_of = [](size_t row) {
        return top + row_height * (static_cast<double>(row) + 0.5);
    };
    const double bottom = y_of(rows.size()), width = pixels(layout.width) + 80;
    std::string lines, labels, legend = "One run, recorded. " + times_note;

    for (size_t i = 0; i < recording.programs.size(); ++i) {
        const auto& [name, command] = recording.programs[i];
        const double x = pixels(layout.x[i]),
                     half = std::max(40.0, pixels(name.size()) * 0.55 + 10);
        lines += svg("<path class='life' d='M% %V%'/>\n", {x, top - 8, bottom});
        labels += svg("<rect class='box' x='%' y='%' width='%' height='34' "
                      "rx='8'><title>%</title></rect>",
                      {x - half, top - 42, 2 * half, command}) +
                  text_at(x, top - 25, name, "text-anchor='middle'");
    }
    for (size_t i = 0; i < rows.size(); ++i) {
        const Row& row = rows[i];
        const double y = y_of(i);
        labels += text_at(width - 8, y, number(row.ms) + " ms", "class='small' text-anchor='end'");
        if (row.is_arrow()) {
            const double from = pixels(layout.x[row.from]), to = pixels(layout.x[row.to]),
                         sign = from < to ? 1 : -1;
            const double lane = to - sign * (row.high() - row.low() == 1 ? 13 : 9);
            // It ends above the first row that is later than its arrival.
            size_t next = i + 1;
            while (row.arrived && next < rows.size() && rows[next].ms < *row.arrived) ++next;
            const Row& last = rows[next - 1];  // or it joins a later message that arrives with it
            const bool joins = last.is_arrow() && last.from == row.from && last.to == row.to &&
                               last.arrived >= row.arrived;
            const double end = y_of(next - 1) + (next == i + 1 || joins ? 0 : row_height / 2);
            if (row.is_connection())
                lines += svg("<path class='connection' d='M% %H%'/>\n", {from, y, to});
            else if (row.is_lost())
                lines += svg("<path class='% lost' d='M% %H%m-5 -5l10 10m0 -10l-10 10'/>\n",
                             {row.kind, from, y, to - sign * 26});
            else if (end == y)
                lines += svg("<path class='%' d='M% %H%'/>", {row.kind, from, y, to - sign * 8});
            else
                lines += svg("<path class='%' d='M% %H%V%H%'/>",
                             {row.kind, from, y, lane, end, to - sign * 8});
            if (!row.is_connection() && !row.is_lost())
                lines += svg("<path class='tip' d='M% %l% -4v8z'/>\n", {to, end, -9 * sign});
        }
        double x = pixels(layout.begin(row));
        for (const auto& text : row.texts) {
            if (row.kind == "message") {
                labels += box_at(x, y, pixels(text.size() + 2), "frame", text);
                x += pixels(text.size() + 2);
            } else if (row.is_arrow()) {
                labels += svg("<rect class='back' x='%' y='%' width='%' height='16'/>",
                              {x - 4, y - 8, pixels(text.size()) + 8}) +
                          text_at(x + pixels(text.size()) / 2, y, text,
                                  "class='mono small' text-anchor='middle'");
            } else {
                labels += box_at(x - 4, y, pixels(text.size()) + 8, row.kind, text);
            }
        }
    }
    const auto any = [&](auto is) { return std::any_of(rows.begin(), rows.end(), is); };
    if (any([](const Row& row) { return row.is_lost(); }))
        legend += " Red arrow: sent, but never received.";
    if (any([](const Row& row) { return row.kind == "error"; }))
        legend += " Red box: printed on standard error.";
    labels += text_at(12, bottom + 20, legend, "class='small'") +
              text_at(12, bottom + 38, recording.note, "class='small'");
    const double height = bottom + (recording.note.empty() ? 34 : 52);
    return svg("<svg xmlns='http://www.w3.org/2000/svg' width='%' height='%' viewBox='0 0 % %' "
               "role='img'>\n<title>%: what the programs printed and what went over the "
               "wire</title>\n",
               {width, height, width, height, recording.pattern}) +
           style + "<rect class='back' width='100%' height='100%'/>\n" + lines + labels +
           "</svg>\n";
}
