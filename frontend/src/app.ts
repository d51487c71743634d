// Everything that runs in a page of the hub or of head office. The order matters once: the
// wedge must see a key before anything else does, so that a scan can be told from typing.
import "./page/wedge";
import "./page/keys";
import "./page/link";
import "./page/retry";
import "./page/once";
import "./page/dialogs";
import "./page/menus";
import "./page/lines";
import "./page/picks";
import "./page/clears";
import "./page/echoes";
import "./page/live";
import "./page/theme";
import "./page/signing";
import "./page/rollback";
import "./elements/money-keypad";
import "./elements/pin-pad";
import "./elements/key-map";
import "./elements/count-down";
import "./elements/idle-lock";
import "./elements/sheet-panel";
import "./elements/toast-note";
import "./elements/device-pairing";
