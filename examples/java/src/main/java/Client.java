import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.oauth2.sdk.ClientCredentialsGrant;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.auth.JWTAuthenticationClaimsSet;
import com.nimbusds.oauth2.sdk.auth.PrivateKeyJWT;
import com.nimbusds.oauth2.sdk.id.Audience;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.JWTID;
import com.nimbusds.oauth2.sdk.util.JSONObjectUtils;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Date;
import java.util.Map;
import java.util.UUID;

/** Sends a notification and a dossier, and reads what became of the dossier: Nimbus' OAuth SDK. Run it in the folder of the repository. */
public class Client {
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    public static void main(String[] arguments) throws Exception {
        var notification = document("notificatie", Map.of("Id", UUID.randomUUID().toString()));
        post("/api/v2/notificaties", token(env("NOTIFICATIES_AUDIENCE"), env("NOTIFICATIES_SCOPE")), notification);

        var upload = UUID.randomUUID().toString();
        var now = LocalDateTime.now().truncatedTo(ChronoUnit.SECONDS).toString();
        var token = token(env("DOSIS_AUDIENCE"), env("DOSIS_SCOPE"));
        post(env("DOSIS_PATH"), token, document("dossier", Map.of("UploadId", upload, "WijzigingsDatum", now)));

        var result = request("/api/v1/dosis/resultaten/perUploadId?uploadId=" + upload, token).build();
        var answer = HTTP.send(result, HttpResponse.BodyHandlers.ofString());
        for (int tried = 0; answer.statusCode() == 404 && tried < 60; tried++) { // which it is until the dossier is processed
            Thread.sleep(1000);
            answer = HTTP.send(result, HttpResponse.BodyHandlers.ofString());
        }
        System.out.println("result: " + checked(answer));
    }

    /** A token for one API. It is good for an hour or longer: keep it until it ends. */
    private static String token(String audience, String scope) throws Exception {
        var pem = Files.readString(Path.of(env("PRIVATE_KEY"))).replaceAll("-----[^-]+-----|\\s", "");
        var key = KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
        var now = Instant.now();
        var claims = new JWTAuthenticationClaimsSet(new ClientID(env("CLIENT_ID")), new Audience(env("ASSERTION_AUDIENCE")).toSingleAudienceList(),
            Date.from(now.plusSeconds(300)), null, Date.from(now), new JWTID());
        var authentication = new PrivateKeyJWT(claims, JWSAlgorithm.RS256, key, env("KID"), null);
        var request = new TokenRequest.Builder(URI.create(env("TOKEN_ENDPOINT")), authentication, new ClientCredentialsGrant()).scope(Scope.parse(scope));
        if (!audience.isEmpty()) request.customParameter("audience", audience);
        var answer = TokenResponse.parse(request.build().toHTTPRequest().send());
        if (!answer.indicatesSuccess()) fail(env("TOKEN_ENDPOINT") + ": " + answer.toErrorResponse().getErrorObject().getDescription());
        return answer.toSuccessResponse().getTokens().getAccessToken().getValue();
    }

    private static String document(String name, Map<String, Object> values) throws Exception {
        var document = JSONObjectUtils.parse(Files.readString(Path.of("examples/documents/" + name + ".json")));
        document.putAll(values);
        return document.toJSONString();
    }

    private static void post(String path, String token, String body) throws Exception {
        var request = request(path, token).header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body)).build();
        System.out.println("POST " + path + " " + checked(HTTP.send(request, HttpResponse.BodyHandlers.ofString())));
    }

    private static HttpRequest.Builder request(String path, String token) {
        return HttpRequest.newBuilder(URI.create(env("API") + path)).header("Authorization", "Bearer " + token);
    }

    private static String checked(HttpResponse<String> answer) {
        if (answer.statusCode() >= 400) fail(answer.uri() + ": " + answer.statusCode() + " " + answer.body());
        return answer.body();
    }

    private static void fail(String message) {
        System.err.println(message);
        System.exit(1);
    }

    private static String env(String name) {
        return System.getenv().getOrDefault(name, "");
    }
}
