// A recording as a sequence diagram: a column a program, a row an event, time goes down.
#include <algorithm>
#include <cstdio>

#include "recording.hpp"

namespace {

struct Row {
    enum Kind { printed, error, signal, connection, protocol, message };
    Kind kind = printed;
    double ms = 0;
    std::optional<double> arrived;
    size_t from = 0, to = 0;         // columns
    std::vector<std::string> texts;  // one, or the frames of a message

    bool is_arrow() const { return kind >= connection; }
    bool is_lost() const { return kind > connection && !arrived; }
    size_t width() const {  // of the texts, in characters
        size_t width = 0;
        for (const auto& text : texts) width += text.size() + (kind == message ? 2 : 0);
        return width;
    }
};

bool is_handshake(const Event& event) {
    return event.kind == "greeting" ||
           (event.kind == "command" && (event.name == "READY" || event.name == "HELLO" ||
                                        event.name == "WELCOME" || event.name == "INITIATE"));
}

/// One line for the whole handshake: connection to 5555: ZMTP 3.1, NULL, REQ to REP.
std::string folded(const Recording& recording, size_t connection) {
    const auto& [from, to, endpoint] = recording.connections[connection];
    std::string greeting, from_type, to_type;
    for (const auto& event : recording.events) {
        if (event.connection != connection) continue;
        if (event.kind == "greeting")
            greeting =
                ": ZMTP " + event.version + (event.mechanism.empty() ? "" : ", " + event.mechanism);
        if (const std::string key = "Socket-Type "; event.text.rfind(key, 0) == 0)
            (event.sender == from ? from_type : to_type) =
                event.text.substr(key.size(), event.text.find(',') - key.size());
    }
    std::string text =
        "connection to " + endpoint.substr(endpoint.find_last_of(":/") + 1) + greeting;
    if (!from_type.empty() && !to_type.empty()) text += ", " + from_type + " to " + to_type;
    return is_ready(recording, connection) ? text : text + ", handshake not completed";
}

std::string label(const Event& event) {
    if (event.kind == "greeting")
        return "greeting: ZMTP " + event.version +
               (event.mechanism.empty() ? "" : ", " + event.mechanism);
    if (event.kind == "bytes") return std::to_string(event.size) + " bytes that are no ZMTP 3";
    return event.name + (event.text.empty() ? "" : " " + event.text);
}

/// The rows of the drawing. A handshake that is folded stands where its last part was sent.
std::vector<Row> rows_of(const Recording& recording, bool handshake) {
    const auto column = [&](const std::string& name) {
        size_t i = 0;
        while (i + 1 < recording.programs.size() && recording.programs[i].name != name) ++i;
        return i;
    };
    std::vector<Row> rows;
    for (size_t i = 0; i < recording.events.size(); ++i) {
        const Event& event = recording.events[i];
        Row row{Row::protocol, event.ms, event.arrived, 0, 0, {label(event)}};
        if (event.kind == "line" || event.kind == "signal") {
            row.kind = event.error ? Row::error : event.kind == "line" ? Row::printed : Row::signal;
            row.from = row.to = column(event.who);
            row.texts = {event.text};
            rows.push_back(row);
            continue;
        }
        row.from = column(event.sender);
        row.to = column(event.receiver);
        if (event.kind == "message") {
            row.kind = Row::message;
            row.texts = event.frames;
        }
        if (!handshake && is_handshake(event)) {
            const auto later =
                std::find_if(recording.events.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                             recording.events.end(), [&](const Event& other) {
                                 return other.who.empty() && other.connection == event.connection &&
                                        is_handshake(other);
                             });
            if (later != recording.events.end()) continue;
            row.kind = Row::connection;
            row.from = column(recording.connections[event.connection].from);
            row.to = column(recording.connections[event.connection].to);
            row.texts = {folded(recording, event.connection)};
        }
        rows.push_back(row);
    }
    return rows;
}

/// Where everything stands, in characters. Each row has its height to itself, so only its own texts
/// must fit.
struct Layout {
    std::vector<size_t> x;  // of the columns
    size_t width = 0;

    static constexpr size_t gutter = 3;  // beside each column
    Layout(const Recording& recording, const std::vector<Row>& rows) {
        const size_t n = std::max<size_t>(1, recording.programs.size());
        const size_t most = n <= 2 ? 54 : n == 3 ? 40 : 26;
        std::vector<size_t> gaps(n, 14);  // the last one is the right edge
        for (const Row& row : rows) {
            const size_t gap =
                !row.is_arrow()
                    ? row.from
                    : std::min(row.from, row.to) + (row.from > row.to ? row.from - row.to - 1 : 0);
            gaps[gap] = std::max(gaps[gap], std::min(most, row.width() + 2 * gutter));
        }
        for (size_t i = 0, at = 8; i < n; at += gaps[i++]) x.push_back(at);
        width = x.back() + gaps.back();
    }
    /// Where the texts of a row begin.
    size_t begin(const Row& row) const {
        const size_t size = row.width();
        size_t at = x[row.from] + gutter;
        if (row.is_arrow()) {
            const size_t low = std::min(row.from, row.to), high = std::max(row.from, row.to);
            at = x[high] + gutter;  // beside it, if it fits nowhere between the columns
            for (size_t i = 0; i < high - low; ++i) {
                const size_t gap = row.from < row.to ? low + i : high - 1 - i;
                if (x[gap + 1] - x[gap] < size + 4) continue;
                at = (x[gap] + x[gap + 1] - size) / 2;
                break;
            }
        }
        return at + size < width ? at : width > size ? width - size : 0;
    }
};

std::string printf_string(const char* format, double a, double b = 0, double c = 0, double d = 0) {
    char text[256];
    std::snprintf(text, sizeof text, format, a, b, c, d);
    return text;
}

const char* times_note = "Tracing stretches the times.";

}  // namespace

std::string draw_text(const Recording& recording, bool handshake, bool colour) {
    const std::vector<Row> rows = rows_of(recording, handshake);
    const Layout layout(recording, rows);
    std::string lines(layout.width + 1, ' '), names = lines, text;
    for (size_t i = 0; i < recording.programs.size(); ++i) {
        const auto& [name, command] = recording.programs[i];
        lines[layout.x[i]] = '|';
        const size_t begin = layout.x[i] - std::min(layout.x[i], name.size() / 2);
        names.replace(begin, name.size(), name);
        text += name + ": " + command + "\n";
    }
    text += "\n    sent  arrived " + names + "\n      ms       ms " + lines + "\n";
    for (const Row& row : rows) {
        std::string line = lines;
        if (row.is_arrow() && row.from != row.to) {
            const bool right = row.from < row.to;
            const size_t low = layout.x[std::min(row.from, row.to)],
                         high = layout.x[std::max(row.from, row.to)];
            line.replace(low + 1, high - low - 1, high - low - 1,
                         row.kind == Row::connection ? '=' : '-');
            if (row.is_lost())
                line.replace(right ? high - 3 : low + 1, 3, right ? "x  " : "  x");
            else if (row.kind != Row::connection)
                line[right ? high - 1 : low + 1] = right ? '>' : '<';
        }
        std::string shown;
        for (const auto& one : row.texts) shown += row.kind == Row::message ? "[" + one + "]" : one;
        if (row.kind == Row::error) shown = "stderr: " + shown;
        if (row.kind == Row::signal) shown = "<" + shown + ">";
        if (row.kind == Row::protocol || row.kind == Row::connection) shown = " " + shown + " ";
        size_t begin = layout.begin(row);
        line.resize(std::max(line.size(), begin + shown.size()), ' ');
        line.replace(begin, shown.size(), shown);
        line.resize(line.find_last_not_of(' ') + 1);
        const char* code = row.is_lost()                                              ? "31"
                           : row.kind == Row::error                                   ? "33"
                           : row.kind == Row::connection || row.kind == Row::protocol ? "2"
                                                                                      : "0";
        text += printf_string("%8.1f ", row.ms);
        text += row.is_lost() ? "   never"
                : !row.is_arrow() || row.kind == Row::connection
                    ? "        "
                    : printf_string("%8.1f", *row.arrived);
        text +=
            colour ? std::string(" \033[") + code + "m" + line + "\033[0m\n" : " " + line + "\n";
    }
    return text + "\n" + times_note + (recording.note.empty() ? "" : "\n" + recording.note) + "\n";
}

// SVG
// ----------------------------------------------------------------------------------------------

namespace {

constexpr double character = 6.7, row_height = 26, top = 64, head = 34;

const char* style = R"(<style>
text{font:12px Helvetica,Arial,sans-serif;fill:#202830}
.mono{font:11px monospace}
.small{font-size:11px;fill:#5b6b7f}
.back{fill:#fff}
.life{stroke:#5b6b7f;stroke-dasharray:3 3}
.box{fill:#e8eff7;stroke:#5b6b7f}
.frame{fill:#fffbe6;stroke:#8a6d00}
.printed{fill:#f4f4f4;stroke:#c9ced4}
.error{fill:#fdeeee;stroke:#b00020}
.signal{fill:#1f4e79;stroke:#1f4e79}
.signal+text{fill:#fff}
.message{fill:none;stroke:#34465a;stroke-width:1.4}
.protocol,.connection{fill:none;stroke:#8b98a8}
.connection{stroke-width:3}
.lost{stroke:#b00020}
.tip{fill:#34465a}
@media(prefers-color-scheme:dark){
text{fill:#e6e9ed}
.small{fill:#9fb0c3}
.back{fill:#14181d}
.life{stroke:#7f93a8}
.box{fill:#22303f;stroke:#7f93a8}
.frame{fill:#3a3415;stroke:#c9a83a}
.printed{fill:#20252b;stroke:#4a545f}
.error{fill:#3a1a1e;stroke:#ff7b88}
.signal{fill:#7db4e6;stroke:#7db4e6}
.signal+text{fill:#14181d}
.message{stroke:#a9bcd1}
.protocol,.connection{stroke:#6d7f92}
.lost{stroke:#ff7b88}
.tip{fill:#a9bcd1}
}
</style>
)";

std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : text)
        if (c == '<')
            result += "&lt;";
        else if (c == '&')
            result += "&amp;";
        else
            result += c;
    return result;
}

std::string text_at(double x, double y, const std::string& text, const std::string& attributes) {
    return printf_string("<text x=\"%.1f\" y=\"%.1f\" ", x, y + 4) + attributes + ">" +
           escaped(text) + "</text>\n";
}

std::string box_at(double x, double y, double width, const std::string& kind,
                   const std::string& text) {
    return "<rect class=\"" + kind +
           printf_string("\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"18\" rx=\"2\"/>", x,
                         y - 9, width) +
           text_at(x + width / 2, y, text, "class=\"mono\" text-anchor=\"middle\"");
}

}  // namespace

std::string draw_svg(const Recording& recording, bool handshake) {
    const std::vector<Row> rows = rows_of(recording, handshake);
    const Layout layout(recording, rows);
    const auto x_of = [&](size_t column) {
        return static_cast<double>(layout.x[column]) * character;
    };
    const auto y_of = [&](size_t row) {
        return top + row_height * (static_cast<double>(row) + 0.5);
    };
    const double bottom = y_of(rows.size()),
                 right_edge = static_cast<double>(layout.width) * character;
    const double width = right_edge + 80;

    std::string lines, arrows, labels, heads;
    bool lost = false, errors = false;
    for (size_t i = 0; i < recording.programs.size(); ++i) {
        const auto& [name, command] = recording.programs[i];
        const double x = x_of(i),
                     half = std::max(40.0, static_cast<double>(name.size()) * 3.6 + 10);
        lines +=
            printf_string("<path class=\"life\" d=\"M%.1f %.1fV%.1f\"/>\n", x, top - 8, bottom);
        heads += "<g><title>" + escaped(command) + "</title>" +
                 printf_string(
                     "<rect class=\"box\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                     "rx=\"8\"/>",
                     x - half, top - 8 - head, 2 * half, head) +
                 text_at(x, top - 8 - head / 2, name, "text-anchor=\"middle\"") + "</g>\n";
    }
    for (size_t i = 0; i < rows.size(); ++i) {
        const Row& row = rows[i];
        static const char* const kinds[] = {"printed",    "error",    "signal",
                                            "connection", "protocol", "message"};
        const std::string kind = kinds[row.kind];
        const double y = y_of(i), begin = static_cast<double>(layout.begin(row)) * character;
        lost = lost || row.is_lost();
        errors = errors || row.kind == Row::error;
        labels += text_at(width - 8, y, printf_string("%.1f ms", row.ms),
                          "class=\"small\" text-anchor=\"end\"");
        if (row.is_arrow()) {
            const double from = x_of(row.from), to = x_of(row.to), sign = from < to ? 1 : -1;
            size_t next = i + 1;  // what was later than the arrival
            while (row.arrived && next < rows.size() && rows[next].ms < *row.arrived) ++next;
            const double end = next == i + 1 || !row.arrived ? y : y_of(next) - row_height / 2;
            arrows += "<path class=\"" + kind + (row.is_lost() ? " lost" : "") + "\" d=\"";
            if (row.kind == Row::connection)
                arrows += printf_string("M%.1f %.1fH%.1f\"/>\n", from, y, to);
            else if (row.is_lost())
                arrows += printf_string("M%.1f %.1fH%.1f", from, y, to - sign * 26) +
                          printf_string("m-5 -5l10 10m0 -10l-10 10\"/>\n", 0);
            else
                arrows +=
                    printf_string("M%.1f %.1fH%.1f", from, y, to - sign * (end == y ? 8 : 11)) +
                    (end == y ? "" : printf_string("V%.1fH%.1f", end, to - sign * 8)) +
                    printf_string("\"/><path class=\"tip\" d=\"M%.1f %.1fl%.0f -4v8z\"/>\n", to,
                                  end, -9 * sign);
        }
        double at = begin;
        for (const auto& text : row.texts) {
            const auto size = static_cast<double>(text.size());
            if (row.kind == Row::message) {
                labels += box_at(at, y, (size + 2) * character, "frame", text);
                at += (size + 2) * character;
            } else if (row.is_arrow()) {
                labels +=
                    printf_string(
                        "<rect class=\"back\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"14\"/>",
                        at + size * 0.5, y - 8, size * 5.7) +
                    text_at(at + size * character / 2, y, text,
                            "class=\"small\" text-anchor=\"middle\"");
            } else {
                labels += box_at(at - 4, y, size * character + 8, kind, text);
            }
        }
    }
    const std::string legend = std::string("One run, recorded. ") + times_note +
                               (lost ? " Red: sent, but never received." : "") +
                               (errors ? " Box with a red edge: printed on standard error." : "");
    labels += text_at(12, bottom + 20, legend, "class=\"small\"");
    if (!recording.note.empty())
        labels += text_at(12, bottom + 38, recording.note, "class=\"small\"");
    const double height = bottom + (recording.note.empty() ? 34 : 52);
    const std::string title =
        recording.pattern + ": what the programs printed and what went over the wire";
    return printf_string(
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
               "viewBox=\"0 0 %.0f %.0f\" role=\"img\">\n",
               width, height, width, height) +
           "<title>" + escaped(title) + "</title>\n" + style +
           "<rect class=\"back\" width=\"100%\" height=\"100%\"/>\n" + lines + arrows + heads +
           labels + "</svg>\n";
}
