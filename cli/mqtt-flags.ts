/** Edge: the flags that say who we are to a broker, for every command that talks to one. */
import { loadMqttAccess, type MqttAccess } from "../frames/mqtt-access.ts";
import type { FlagSpec } from "./command.ts";
import type { FlagValues } from "./flag-values.ts";

const file = (name: string, doc: string): FlagSpec => {
  return { name, kind: "text", placeholder: "FILE", doc };
};

export const MQTT_FLAGS: readonly FlagSpec[] = [
  file("mqtt-ca", "PEM of who signed the broker's certificate, for mqtts://; else the system's."),
  file("mqtt-cert", "PEM of the certificate that we show the broker; --mqtt-key goes with it."),
  file("mqtt-key", "PEM of its key."),
  { name: "mqtt-user", kind: "text", placeholder: "NAME", doc: "Who we are to the broker." },
  file("mqtt-password-file", "Holds the password; else EDGEBOOK_MQTT_PASSWORD does."),
];

/** Fields of `[mqtt]` in a config file. */
export interface MqttFields {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly user?: string | undefined;
  readonly password_file?: string | undefined;
}

/** @throws TransportError that names the file, never what is in it */
export function mqttAccess(flags: FlagValues, fields: MqttFields = {}): MqttAccess {
  return loadMqttAccess({
    user: flags.text("mqtt-user") ?? fields.user,
    password: process.env.EDGEBOOK_MQTT_PASSWORD,
    passwordFile: flags.text("mqtt-password-file") ?? fields.password_file,
    caFile: flags.text("mqtt-ca") ?? fields.ca,
    certificateFile: flags.text("mqtt-cert") ?? fields.cert,
    keyFile: flags.text("mqtt-key") ?? fields.key,
  });
}
