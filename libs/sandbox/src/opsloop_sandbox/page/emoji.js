/* The common :shortcodes:. One that is not here stays as it was typed. */

const SIGNS = `
+1 👍 -1 👎 thumbsup 👍 thumbsdown 👎 ok_hand 👌 wave 👋 clap 👏 pray 🙏 raised_hands 🙌 point_right 👉 muscle 💪 eyes 👀
smile 😄 grinning 😀 joy 😂 wink 😉 blush 😊 thinking_face 🤔 cry 😢 sob 😭 scream 😱 sweat_smile 😅 heart ❤️ tada 🎉 fire 🔥
rocket 🚀 star ⭐ sparkles ✨ zap ⚡ boom 💥 bulb 💡 100 💯 bell 🔔 mega 📣 memo 📝 pencil 📝 book 📖 books 📚 link 🔗
white_check_mark ✅ heavy_check_mark ✔️ ballot_box_with_check ☑️ x ❌ warning ⚠️ rotating_light 🚨 no_entry ⛔ no_entry_sign 🚫
question ❓ exclamation ❗ information_source ℹ️ red_circle 🔴 large_green_circle 🟢 large_yellow_circle 🟡 large_blue_circle 🔵
white_circle ⚪ black_circle ⚫ hourglass ⌛ hourglass_flowing_sand ⏳ stopwatch ⏱️ alarm_clock ⏰ clock1 🕐 calendar 📅
arrow_forward ▶️ arrow_right ➡️ arrow_left ⬅️ arrow_up ⬆️ arrow_down ⬇️ repeat 🔁 arrows_counterclockwise 🔄 fast_forward ⏩
gear ⚙️ wrench 🔧 hammer 🔨 hammer_and_wrench 🛠️ mag 🔍 mag_right 🔎 bar_chart 📊 chart_with_upwards_trend 📈
chart_with_downwards_trend 📉 lock 🔒 unlock 🔓 key 🔑 shield 🛡️ package 📦 car 🚗 robot_face 🤖 computer 💻 bug 🐛 construction 🚧
speech_balloon 💬 inbox_tray 📥 outbox_tray 📤 email 📧 phone ☎️ globe_with_meridians 🌐 sunny ☀️ cloud ☁️ coffee ☕ money_with_wings 💸`;

const words = SIGNS.trim().split(/\s+/);
const table = new Map(words.flatMap((word, index) => (index % 2 ? [] : [[word, words[index + 1]]])));

export function emoji(name) {
  return table.get(name) ?? null;
}
