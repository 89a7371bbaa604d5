// Benchmarks of Bitis. See: dotnet run -c Release --project benchmarks/Bitis.Benchmarks -- --help
return Bitis.Benchmarks.BenchmarkCommands.Run(args, Console.Error);
