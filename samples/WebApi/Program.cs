// Classifies uploaded images: dotnet run -c Release --project samples/WebApi -- --model vim.bitis
// curl --data-binary @photo.jpg http://localhost:5000/classify
using Bitis;
using WebApi;

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(args);
// Without a limit, Ctrl-C waits half a minute for clients that have stopped sending.
builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(5));
try
{
    using InferenceSession session = builder.Configuration["model"] is { } file
        ? InferenceSession.Load(file)
        : InferenceSession.Create(VisionModel.LoadShipped("vim-cifar10"));
    await using WebApplication app = builder.Build();
    ClassifyEndpoint.Map(app, session);
    await app.RunAsync();
    return 0;
}
catch (BitisException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}
