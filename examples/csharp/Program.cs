// NOT RUN: no test of this repository runs this client, unlike those in the other languages.
// Sends a notification and a dossier, and reads what became of the dossier: Microsoft.IdentityModel and HttpClient. Run it in the folder of the repository.
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

using var http = new HttpClient();

var notification = Document("notificatie");
notification["Id"] = Guid.NewGuid().ToString();
await Authorize(Env("NOTIFICATIES_AUDIENCE"), Env("NOTIFICATIES_SCOPE"));
await Post("/api/v2/notificaties", notification);

var upload = Guid.NewGuid().ToString();
var dossier = Document("dossier");
dossier["UploadId"] = upload;
dossier["WijzigingsDatum"] = DateTime.Now.ToString("yyyy-MM-ddTHH:mm:ss");
await Authorize(Env("DOSIS_AUDIENCE"), Env("DOSIS_SCOPE"));
await Post(Env("DOSIS_PATH"), dossier);

var url = Env("API") + "/api/v1/dosis/resultaten/perUploadId?uploadId=" + upload;
var result = await http.GetAsync(url);
for (var tried = 0; result.StatusCode == HttpStatusCode.NotFound && tried < 60; tried++) // which it is until the dossier is processed
{
    await Task.Delay(1000);
    result = await http.GetAsync(url);
}
Console.WriteLine($"result: {await Checked(result)}");

// Gets a token for one API, and sends it from here on. It is good for an hour or longer: keep it until it ends.
async Task Authorize(string audience, string scope)
{
    using var rsa = RSA.Create();
    rsa.ImportFromPem(File.ReadAllText(Env("PRIVATE_KEY")));
    var now = DateTime.UtcNow;
    var assertion = new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
    {
        Issuer = Env("CLIENT_ID"),
        Audience = Env("ASSERTION_AUDIENCE"),
        IssuedAt = now,
        Expires = now.AddMinutes(5),
        Claims = new Dictionary<string, object> { ["sub"] = Env("CLIENT_ID"), ["jti"] = Guid.NewGuid().ToString() },
        SigningCredentials = new SigningCredentials(new RsaSecurityKey(rsa.ExportParameters(true)) { KeyId = Env("KID") }, SecurityAlgorithms.RsaSha256),
    });
    var form = new Dictionary<string, string>
    {
        ["grant_type"] = "client_credentials",
        ["client_id"] = Env("CLIENT_ID"),
        ["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ["client_assertion"] = assertion,
        ["scope"] = scope,
    };
    if (audience != "") form["audience"] = audience;
    var answer = JsonNode.Parse(await Checked(await http.PostAsync(Env("TOKEN_ENDPOINT"), new FormUrlEncodedContent(form))))!;
    http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (string?)answer["access_token"]);
}

async Task Post(string path, JsonNode document) =>
    Console.WriteLine($"POST {path} {await Checked(await http.PostAsJsonAsync(Env("API") + path, document))}");

// An answer's text; an error ends the program with what the server says.
async Task<string> Checked(HttpResponseMessage answer)
{
    var text = await answer.Content.ReadAsStringAsync();
    if (answer.IsSuccessStatusCode) return text;
    Console.Error.WriteLine($"{answer.RequestMessage!.RequestUri}: {(int)answer.StatusCode} {text}");
    Environment.Exit(1);
    return text;
}

static JsonNode Document(string name) => JsonNode.Parse(File.ReadAllText($"examples/documents/{name}.json"))!;
static string Env(string name) => Environment.GetEnvironmentVariable(name) ?? "";
