// Benchmarks of Bitis: `dotnet run -c Release --project benchmarks/Bitis.Benchmarks -- kernels`.
using Bitis.Benchmarks;

if (args is ["kernels"])
{
    KernelBenchmarks.Run();
    return 0;
}
Console.Error.WriteLine("Usage: Bitis.Benchmarks kernels");
return 2;
